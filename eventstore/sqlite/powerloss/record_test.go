package powerloss_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// step is something that SQLite asked of the file system, or an acknowledgement of the store's.
type step struct {
	kind stepKind
	// file is the file's name without its folder.
	file string
	at   int64
	data []byte
	// batch is what was acknowledged.
	batch int
}

type stepKind int

const (
	writes stepKind = iota
	truncates
	syncs
	deletes
	acknowledges
)

// recorder takes down the steps of the files in one folder, in their order.
type recorder struct {
	mu     sync.Mutex
	folder string
	steps  []step
	// names are the files that are open, by SQLite's handle.
	names map[uintptr]string
}

// recording is the one that records, if any. SQLite's functions know no other way to it.
var recording struct {
	sync.Mutex
	*recorder
}

func (r *recorder) add(s step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, s)
}

func (r *recorder) name(handle uintptr) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[handle]
}

// record takes down what do has SQLite do with the files in a folder.
func record(folder string, do func(*recorder)) []step {
	recording.Lock()
	defer recording.Unlock()
	shim()
	recording.recorder = &recorder{folder: folder, names: map[uintptr]string{}}
	defer func() { recording.recorder = nil }()
	do(recording.recorder)
	return recording.steps
}

// The functions of SQLite's own that the shim stands before, and the tables of functions that it hands out.
var (
	ownOpen, ownDelete uintptr
	own                lib.Tsqlite3_io_methods
	methodsOf          = map[uintptr]uintptr{} // in SQLite's own memory, up to the process's end
)

// shim puts functions of ours before those of SQLite's way to the file system, which write, truncate, sync and delete. It
// is for the whole process; files of other folders pass through.
var shim = sync.OnceFunc(func() {
	tls := libc.NewTLS()
	defer tls.Close()
	vfs := at[lib.Tsqlite3_vfs](lib.Xsqlite3_vfs_find(tls, 0))
	ownOpen, ownDelete = vfs.FxOpen, vfs.FxDelete
	vfs.FxOpen, vfs.FxDelete = pointer(open), pointer(remove)
})

// at is what stands at an address that is SQLite's.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// pointer is a function's as SQLite's translation to Go has it, and function the way back.
func pointer(f any) uintptr { return (*[2]uintptr)(unsafe.Pointer(&f))[1] }

func function[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

func open(tls *libc.TLS, vfs, path, handle uintptr, flags int32, out uintptr) int32 {
	code := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](ownOpen)(tls, vfs, path, handle, flags, out)
	r := recording.recorder
	if code != lib.SQLITE_OK || path == 0 || r == nil || filepath.Dir(libc.GoString(path)) != r.folder {
		return code
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[handle] = filepath.Base(libc.GoString(path))
	file := at[lib.Tsqlite3_file](handle)
	methods := methodsOf[file.FpMethods]
	if methods == 0 {
		own = *at[lib.Tsqlite3_io_methods](file.FpMethods)
		methods = libc.Xmalloc(tls, lib.Tsize_t(unsafe.Sizeof(own)))
		ours := at[lib.Tsqlite3_io_methods](methods)
		*ours = own
		ours.FxWrite, ours.FxTruncate, ours.FxSync = pointer(write), pointer(truncate), pointer(fsync)
		methodsOf[file.FpMethods] = methods
	}
	file.FpMethods = methods
	return code
}

func remove(tls *libc.TLS, vfs, path uintptr, dirSync int32) int32 {
	code := function[func(*libc.TLS, uintptr, uintptr, int32) int32](ownDelete)(tls, vfs, path, dirSync)
	if r := recording.recorder; code == lib.SQLITE_OK && r != nil && filepath.Dir(libc.GoString(path)) == r.folder {
		r.add(step{kind: deletes, file: filepath.Base(strings.Clone(libc.GoString(path)))})
	}
	return code
}

func write(tls *libc.TLS, handle, data uintptr, size int32, at int64) int32 {
	code := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](own.FxWrite)(tls, handle, data, size, at)
	if r := recording.recorder; code == lib.SQLITE_OK && r != nil {
		r.add(step{kind: writes, file: r.name(handle), at: at, data: bytes.Clone(libc.GoBytes(data, int(size)))})
	}
	return code
}

func truncate(tls *libc.TLS, handle uintptr, size int64) int32 {
	code := function[func(*libc.TLS, uintptr, int64) int32](own.FxTruncate)(tls, handle, size)
	if r := recording.recorder; code == lib.SQLITE_OK && r != nil {
		r.add(step{kind: truncates, file: r.name(handle), at: size})
	}
	return code
}

func fsync(tls *libc.TLS, handle uintptr, flags int32) int32 {
	code := function[func(*libc.TLS, uintptr, int32) int32](own.FxSync)(tls, handle, flags)
	if r := recording.recorder; code == lib.SQLITE_OK && r != nil {
		r.add(step{kind: syncs, file: r.name(handle)})
	}
	return code
}
