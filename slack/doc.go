// Package slack is the door that most people meet: mentions, direct messages, slash commands, buttons and modals come in, by
// HTTP or by a socket, and answers stream back into the thread. It decides nothing: what is wished becomes a command whose id
// comes from the delivery, so that a delivery that comes twice is one wish.
package slack
