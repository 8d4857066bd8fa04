package esdbtest

import "net"

// Counts are what clients asked of a node since it was started first.
type Counts struct {
	// Dials are the connections that were accepted, and Discoveries the questions for the cluster's members.
	Dials, Discoveries int
	// Reads are the reads and subscriptions, Appends the appends that came whole.
	Reads, Appends int
	// Rows are the events that were sent, Searched those that were looked through for them.
	Rows, Searched int
}

// Since is what was asked since an earlier count.
func (c Counts) Since(earlier Counts) Counts {
	return Counts{
		Dials: c.Dials - earlier.Dials, Discoveries: c.Discoveries - earlier.Discoveries, Reads: c.Reads - earlier.Reads,
		Appends: c.Appends - earlier.Appends, Rows: c.Rows - earlier.Rows, Searched: c.Searched - earlier.Searched,
	}
}

// Counts tells what was asked of it so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

func (s *Server) count(change func(*Counts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counts)
}

// door counts who comes in.
type door struct {
	net.Listener
	server *Server
}

func (d door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err == nil {
		d.server.count(func(c *Counts) { c.Dials++ })
	}
	return conn, err
}
