package redact_test

import (
	"encoding/json"
	"testing"

	"github.com/virtuous6/virtuous6/events"
	"github.com/virtuous6/virtuous6/redact"
)

func BenchmarkEnvelope(b *testing.B) {
	plain := events.RunLLMCalled{
		Model: "gpt-4o-mini", Provider: "openai", Params: json.RawMessage(`{"temperature":0.2,"max_tokens":400}`), FinishReason: "stop",
		Asked:    []events.Message{{Role: "user", Content: "Please look the order up before you refund it: the customer asks for the second time today, and is not amused."}},
		Answered: []events.Message{{Role: "assistant", Content: "I looked the order up. It was paid twice, so that the refund is due; it is on its way."}},
	}
	secret := plain
	secret.Asked = []events.Message{{Role: "user", Content: "use ghp_" + mixed[:36] + " for it"}}
	for name, fact := range map[string]events.Event{"plain": plain, "secret": secret} {
		b.Run(name, func(b *testing.B) {
			kind, version, data, err := events.Encode(fact)
			if err != nil {
				b.Fatal(err)
			}
			e := events.Envelope{Stream: "run-r1", Correlation: "r1", Actor: "import:runs", Kind: kind, Version: version, Data: data}
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := redact.Envelope(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
