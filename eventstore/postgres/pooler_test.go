//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/virtuous6/virtuous6/eventstore/pgtest"
)

// A pooler in session mode is as good as the server. One in transaction mode is refused with what to give instead.
func TestPgBouncerInBothModes(t *testing.T) {
	t.Parallel()
	bouncer, err := osexec.LookPath("pgbouncer")
	if err != nil {
		if bouncer = "/usr/sbin/pgbouncer"; !runs(bouncer) {
			t.Skip("no PgBouncer is installed")
		}
	}
	server, err := pgtest.Start(t.Context())
	pgtest.Need(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	for mode, refused := range map[string]bool{"session": false, "transaction": true} {
		url := pooler(t, bouncer, server.Dir, mode)
		for range 3 {
			s, err := Open(t.Context(), url, Config{})
			if err == nil {
				_ = s.Close()
			}
			if errors.Is(err, errPooled) != refused || !refused && err != nil {
				t.Errorf("%s: %v", mode, err)
			}
			if refused && (err == nil || !strings.Contains(err.Error(), "session mode")) {
				t.Errorf("%s: %v", mode, err)
			}
		}
	}
}

func runs(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

// pooler starts a PgBouncer before the server, and returns its URL.
func pooler(t *testing.T, bouncer, socket, mode string) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		_ = os.Chmod(d, 0o755) //nolint:gosec // another user than root runs it
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	config := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\npostgres = host=%s port=5432 user=%s dbname=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = any\npool_mode = %s\n",
		socket, pgtest.User, port, mode)
	if os.Geteuid() == 0 {
		// It must be let to the server's socket.
		info, err := os.Stat(socket)
		if err != nil {
			t.Fatal(err)
		}
		owner, err := user.LookupId(fmt.Sprint(info.Sys().(*syscall.Stat_t).Uid))
		if err != nil {
			t.Fatal(err)
		}
		text += "user = " + owner.Username + "\n"
	}
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil { //nolint:gosec // no secret is in it
		t.Fatal(err)
	}
	cmd := osexec.CommandContext(context.WithoutCancel(t.Context()), bouncer, config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for again := time.NewTicker(20 * time.Millisecond); ; <-again.C {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
			return fmt.Sprintf("postgres://%s@127.0.0.1:%d/postgres?sslmode=disable", pgtest.User, port)
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}
