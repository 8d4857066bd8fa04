package slack

import (
	"strings"
	"sync"
)

// sent remembers what this process has posted and not yet recorded, so that a second try posts nothing twice.
type sent struct {
	mu    sync.Mutex
	posts map[string]string
}

// maxSent bounds how many posts are remembered: those that are over are forgotten.
const maxSent = 4096

func newSent() *sent { return &sent{posts: map[string]string{}} }

// sentKey names a part of a post where it was posted.
func sentKey(post, channel, part string) string { return post + "/" + channel + "/" + part }

func (s *sent) of(key string) (ts string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ts, known = s.posts[key]
	return ts, known
}

func (s *sent) keep(key, ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.posts) >= maxSent {
		for other := range s.posts {
			delete(s.posts, other)
			break
		}
	}
	s.posts[key] = ts
}

// forget lets go of a run's posts: the log has them.
func (s *sent) forget(run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.posts {
		if strings.HasPrefix(key, run+"/") {
			delete(s.posts, key)
		}
	}
}
