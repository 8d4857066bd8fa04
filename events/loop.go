package events

// LoopPaused stops every step of the loop of improvements that no person takes: until it is resumed nothing is analysed on
// schedule, tried, given a greater share, promoted, rolled back or made, and no run gets what is tried.
type LoopPaused struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// LoopResumed lets the loop go on from where it was paused.
type LoopResumed struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

func (LoopPaused) Kind() string  { return "loop.paused" }
func (LoopResumed) Kind() string { return "loop.resumed" }

func (LoopPaused) loop()  {}
func (LoopResumed) loop() {}
