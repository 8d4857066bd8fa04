// Package web is the HTTP door: the read models as JSON, and the few wishes that a person has over HTTP. It decides
// nothing: a wish becomes a command, and the aggregate has the say.
//
// Without a login the door is meant for the loopback interface, or for a proxy that knows who may come in; elsewhere each
// request brings a token.
package web
