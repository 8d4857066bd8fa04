// Package pgtest starts throw-away PostgreSQL servers for tests. It needs a PostgreSQL that is installed (initdb and
// postgres, in PATH or in one of the usual folders), and installs none. A server speaks on a Unix socket in a folder of
// its own, is as durable as any (fsync is on), and is gone with its folder when the test process ends, however that
// ends.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing tells that no PostgreSQL is installed, or none that can be run here.
var ErrMissing = errors.New("no PostgreSQL is installed: put initdb and postgres into PATH")

// User is the superuser, who needs no password. Every other role needs one.
const User = "postgres"

// Server is a running PostgreSQL.
type Server struct {
	// Dir is the folder of the server's socket.
	Dir string

	bin string
	// owner runs a command as who may run PostgreSQL: root may not.
	owner func(*exec.Cmd)
	// watch is the shell that runs the server. It ends the server and removes its folder when its input ends, which
	// the kernel sees to when this process dies. It does not end with the process group.
	watch *exec.Cmd
	input io.Closer
	log   *tail

	mu   sync.Mutex
	made int // databases
}

// settings make a small server. None makes it less durable.
var settings = []string{
	"listen_addresses=", "max_connections=300", "shared_buffers=64MB", "max_wal_size=1GB", "log_min_messages=fatal",
	"log_min_error_statement=panic",
}

// Start makes a new server and waits until it answers. The caller calls Stop.
func Start(ctx context.Context) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest-") // short: a socket's path takes no more than 100 bytes
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, bin: bin}
	if s.owner, err = unprivileged(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.initialize(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// binaries finds the folder that holds initdb and postgres, the newest where there are many.
func binaries() (string, error) {
	var found []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
	} {
		match, _ := filepath.Glob(pattern) // the patterns are sound
		found = append(found, match...)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, filepath.Dir(path))
		}
	}
	for _, dir := range slices.Backward(found) {
		_, initdb := os.Stat(filepath.Join(dir, "initdb"))
		_, postgres := os.Stat(filepath.Join(dir, "postgres"))
		if initdb == nil && postgres == nil {
			return dir, nil
		}
	}
	return "", ErrMissing
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

func (s *Server) initialize(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", User, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	cmd.Dir = s.Dir
	s.owner(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	access := "local all " + User + " trust\nlocal all all scram-sha-256\n"
	return os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(access), 0o600)
}

// Restart starts the server again after Kill or Halt, on the same data, and waits until it answers. What a killed server
// left running can keep the data for some more milliseconds.
func (s *Server) Restart(ctx context.Context) error {
	for {
		if err := s.launch(); err != nil {
			return err
		}
		err := s.ready(ctx)
		if err == nil {
			return nil
		}
		if err = errors.Join(err, s.release()); !errors.Is(err, errOccupied) {
			return err
		}
	}
}

func (s *Server) launch() error {
	const script = `trap "" HUP INT TERM; dir=$1; shift; "$@" & server=$!; cat; kill -QUIT $server 2>/dev/null; wait $server; [ -e "$dir/keep" ] || rm -rf "$dir"`
	args := []string{"-c", script, "watch", s.Dir, filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.Dir}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	s.watch = exec.Command("/bin/sh", args...)
	s.watch.Dir = s.Dir
	s.log = new(tail)
	s.watch.Stderr = s.log
	s.owner(s.watch)
	input, err := s.watch.StdinPipe()
	if err != nil {
		return err
	}
	s.input = input
	return s.watch.Start()
}

var errOccupied = errors.New("processes of the server before this one are still at work")

// ready asks until the server answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if strings.Contains(s.log.String(), "shared memory block") {
			return errOccupied
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not start: %w\n%s", err, s.log)
		}
	}
}

// URL is where the superuser finds a database.
func (s *Server) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(User), Path: "/" + database, RawQuery: url.Values{"host": {s.Dir}}.Encode()}
	return u.String()
}

// Socket is the Unix socket that the server listens on.
func (s *Server) Socket() string { return filepath.Join(s.Dir, ".s.PGSQL.5432") }

// Create makes a database as a copy of another, "" for an empty one, and returns its URL.
func (s *Server) Create(ctx context.Context, template string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	name := "test" + strconv.Itoa(s.made)
	if template == "" {
		template = "template0"
	}
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, pgx.Identifier{template}.Sanitize()))
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return "", fmt.Errorf("make database %s: %w", name, err)
	}
	return s.URL(name), nil
}

// Kill ends the server with SIGKILL, as a crash would. Its data stay.
func (s *Server) Kill() error { return s.end((*os.Process).Kill) }

// Halt ends the server as an administrator would. Its data stay.
func (s *Server) Halt() error {
	return s.end(func(p *os.Process) error { return p.Signal(os.Interrupt) })
}

func (s *Server) end(how func(*os.Process) error) error {
	p, err := s.postmaster()
	if err != nil {
		return err
	}
	if err := how(p); err != nil {
		return err
	}
	return s.release()
}

// release ends the watching shell, which ends the server if that still runs. The folder stays.
func (s *Server) release() error {
	keep := filepath.Join(s.Dir, "keep")
	if err := os.WriteFile(keep, nil, 0o600); err != nil {
		return err
	}
	err := s.input.Close()
	var exit *exec.ExitError
	if wait := s.watch.Wait(); !errors.As(wait, &exit) { // it tells how the server ended, which was made to end
		err = errors.Join(err, wait)
	}
	return errors.Join(err, os.Remove(keep))
}

// postmaster is the server's first process, whose death ends the others.
func (s *Server) postmaster() (*os.Process, error) {
	content, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return nil, fmt.Errorf("postmaster.pid: %w", err)
	}
	return os.FindProcess(pid)
}

// Stop ends the server and removes all it kept.
func (s *Server) Stop() error { return errors.Join(s.release(), os.RemoveAll(s.Dir)) }

// tail keeps the last of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buf.Len() > 64<<10 {
		t.buf.Reset()
	}
	return t.buf.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
