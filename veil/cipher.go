package veil

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"

	"github.com/google/uuid"
)

// place is where a text stands: in one member of one event. What is encrypted for one place can't be read at another one.
type place struct {
	event uuid.UUID
	at    string
}

func (p place) bytes() []byte { return append(p.event[:len(p.event):len(p.event)], p.at...) }

// box encrypts and decrypts with the key of one person.
type box struct {
	aead   cipher.AEAD
	nonces []byte
}

func newBox(key []byte) (box, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return box{}, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return box{}, err
	}
	nonces, err := hkdf.Key(sha256.New, key, nil, "virtuous6 nonces", sha256.Size)
	return box{aead, nonces}, err
}

// seal encrypts a text for its place. The same text in the same place gives the same bytes, so that what is appended again is
// a repeat. The nonce comes from both: two texts for one place, as when a command is decided anew, never share one.
func (b box) seal(text []byte, at place) string {
	mac := hmac.New(sha256.New, b.nonces)
	mac.Write(at.bytes())
	mac.Write([]byte{0})
	mac.Write(text)
	nonce := mac.Sum(nil)[:b.aead.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(b.aead.Seal(nonce, nonce, text, at.bytes()))
}

var errNotSealed = errors.New("not sealed for this place by this key")

func (b box) open(sealed string, at place) ([]byte, error) {
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	n := b.aead.NonceSize()
	if err != nil || len(data) < n {
		return nil, errNotSealed
	}
	text, err := b.aead.Open(nil, data[:n], data[n:], at.bytes())
	if err != nil {
		return nil, errNotSealed
	}
	return text, nil
}
