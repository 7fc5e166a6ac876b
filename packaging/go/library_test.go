//go:build (darwin || linux) && (amd64 || arm64)

package emailvalidator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.org/ferrule/email-validator/internal/ferrule/native"
)

// asChild makes the test binary a program that opens the library and says which one.
const asChild = "EMAIL_VALIDATOR_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		child()
		return
	}
	home, err := os.MkdirTemp("", "home-*")
	if err != nil {
		panic(err)
	}
	os.Setenv("HOME", home)
	os.Unsetenv("XDG_CACHE_HOME")
	os.Unsetenv(native.This.Variable)
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

func child() {
	validator, err := OpenNative(Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	decision, err := validator.Check(background, "joe@example.com")
	if err != nil || !decision.Allowed() {
		fmt.Fprintln(os.Stderr, decision, err)
		os.Exit(4)
	}
	library, _ := NativeLibrary()
	json.NewEncoder(os.Stdout).Encode(library)
}

// start runs a program of this test as a process with just this environment.
func start(t *testing.T, program string, environment ...string) (Library, error) {
	t.Helper()
	var stdout, stderr strings.Builder
	command := exec.Command(program)
	command.Env = append([]string{asChild + "=1"}, environment...)
	// Where an emulator runs this, it has to find the C library of the machine that it plays.
	if prefix, emulated := os.LookupEnv("QEMU_LD_PREFIX"); emulated {
		command.Env = append(command.Env, "QEMU_LD_PREFIX="+prefix)
	}
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return Library{}, fmt.Errorf("%w: %s", err, stderr.String())
	}
	var library Library
	if err := json.Unmarshal([]byte(stdout.String()), &library); err != nil {
		t.Fatal(err, stdout.String())
	}
	return library, nil
}

func program(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// file writes the library of this platform to a folder, as an installer would.
func file(t *testing.T, folder, name string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(native.This.Embedded), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(places native.Places) (*native.Library, error) {
	return native.Load(native.This, places, func(string) string { return "" })
}

func cached(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	return filepath.Join(folder, entries[0].Name())
}

func TestLibraryGiven(t *testing.T) {
	folder := t.TempDir()
	path := file(t, folder, "mine.so")
	library, err := load(native.Places{Path: path})
	if err != nil || library.Path != path || library.Origin != native.Given {
		t.Fatal(library, err)
	}
	text := filepath.Join(folder, "text.so")
	os.WriteFile(text, []byte("no library"), 0o644)
	for given, reason := range map[string]string{
		filepath.Join(folder, "absent.so"): "there is no file ",
		folder:                             " is no file",
		text:                               text + " cannot be opened on " + runtime.GOOS + "/" + runtime.GOARCH,
		"libc.so.6":                        "there is no file /",
	} {
		if library, err := load(native.Places{Path: given}); err == nil || !strings.Contains(err.Error(), reason) {
			t.Error(given, library, err)
		}
	}
}

func TestLibraryOfTheEnvironmentAndNextToTheProgram(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	home := "HOME=" + t.TempDir()
	copied := filepath.Join(folder, "program")
	content, err := os.ReadFile(program(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, content, 0o755); err != nil {
		t.Fatal(err)
	}
	if library, err := start(t, copied, home); err != nil || library.Origin != "embedded" {
		t.Error(library, err)
	}
	name := map[string]string{"linux": "libemail_validator.so", "darwin": "libemail_validator.dylib"}[runtime.GOOS]
	beside := file(t, folder, name)
	library, err := start(t, copied, home)
	if err != nil || library.Origin != "next to the program" || filepath.Base(library.Path) != filepath.Base(beside) {
		t.Error(library, err)
	}
	named := file(t, elsewhere, "other.so")
	variable := native.This.Variable + "="
	if library, err := start(t, copied, home, variable+named); err != nil || library.Path != named || library.Origin != "environment" {
		t.Error(library, err)
	}
	_, err = start(t, copied, home, variable+elsewhere+"/absent.so")
	if err == nil || !strings.Contains(err.Error(), "EMAIL_VALIDATOR_LIBRARY is set: there is no file "+elsewhere) {
		t.Error(err)
	}
	var said map[string]any
	if err := json.Unmarshal(library.BuildInfo, &said); err != nil || said["interface"] != native.This.Interface {
		t.Error(said, err)
	}
}

func TestLibraryIsOpenedOncePerProcess(t *testing.T) {
	nativeRoad.validator(t, Options{})
	opened, known := NativeLibrary()
	if !known {
		t.Fatal("no library is open")
	}
	again, err := OpenNative(Options{}, LibraryAt(opened.Path))
	if err != nil {
		t.Fatal(err)
	}
	again.Close() // one that is forgotten is freed at some moment, perhaps while another test counts what is left
	other := file(t, t.TempDir(), "other.so")
	_, err = OpenNative(Options{}, LibraryAt(other))
	if !errors.Is(err, ErrLibrary) || !strings.Contains(err.Error(), "opens no second library: "+other) {
		t.Error(err)
	}
}

func TestForeignLibraryIsRefused(t *testing.T) {
	path := file(t, t.TempDir(), "mine.so")
	for _, test := range []struct {
		change func(*native.Identity)
		reason string
	}{
		{func(i *native.Identity) { i.Interface = strings.Repeat("0", 64) }, "they are from different releases"},
		{func(i *native.Identity) { i.BuildInfo = "zstd_build_info" }, "it has no function zstd_build_info"},
		{func(i *native.Identity) { i.BuildInfo = "email_validator_string_free" }, "gives no JSON"},
	} {
		foreign := native.This
		test.change(&foreign)
		for _, places := range []native.Places{{Path: path}, {Cache: filepath.Join(t.TempDir(), "cache")}} {
			_, err := native.Load(foreign, places, os.Getenv)
			told := (*native.Error)(nil)
			if !errors.As(err, &told) || !told.Foreign || !strings.Contains(err.Error(), test.reason) {
				t.Error(err)
			}
			if !errors.Is(libraryError(err), ErrForeignLibrary) {
				t.Error(libraryError(err))
			}
		}
	}
}

func TestLibraryBuiltByHandIsTaken(t *testing.T) {
	known := native.This
	known.Interface = "unreleased"
	if _, err := native.Load(known, native.Places{Path: file(t, t.TempDir(), "mine.so")}, os.Getenv); err != nil {
		t.Error(err)
	}
}

func TestCacheIsPrivateAndUsedAgain(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "a", "cache")
	library, err := load(native.Places{Cache: cache})
	if err != nil || library.Origin != native.Unpacked {
		t.Fatal(library, err)
	}
	path := cached(t, cache)
	if !strings.HasPrefix(filepath.Base(path), native.This.Digest) {
		t.Error(path)
	}
	folder, _ := os.Stat(cache)
	first, _ := os.Stat(path)
	if folder.Mode().Perm() != 0o700 || first.Mode().Perm() != 0o500 {
		t.Error(folder.Mode(), first.Mode())
	}
	if _, err := load(native.Places{Cache: cache}); err != nil {
		t.Error(err)
	}
	if again, _ := os.Stat(cached(t, cache)); !os.SameFile(first, again) || again.ModTime() != first.ModTime() {
		t.Error("it was written a second time")
	}
}

func TestDamagedEntryIsReplaced(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	if _, err := load(native.Places{Cache: cache}); err != nil {
		t.Fatal(err)
	}
	path := cached(t, cache)
	changed := []byte(native.This.Embedded)
	changed[len(changed)/2] ^= 1
	victim := filepath.Join(t.TempDir(), "victim")
	os.WriteFile(victim, changed, 0o500)
	for name, damage := range map[string]func() error{
		"changed": func() error { return os.WriteFile(path, changed, 0o500) },
		"cut":     func() error { return os.WriteFile(path, changed[:1000], 0o500) },
		"empty":   func() error { return os.WriteFile(path, nil, 0o500) },
		"a link":  func() error { return os.Symlink(victim, path) },
		"writable by others": func() error {
			return errors.Join(os.WriteFile(path, []byte(native.This.Embedded), 0o500), os.Chmod(path, 0o777))
		},
		"a link to the right": func() error { return os.Symlink(file(t, t.TempDir(), "mine.so"), path) },
	} {
		if err := errors.Join(os.Remove(path), damage()); err != nil {
			t.Fatal(err)
		}
		if _, err := load(native.Places{Cache: cache}); err != nil {
			t.Error(name, err)
		}
		info, err := os.Lstat(path)
		content, _ := os.ReadFile(path)
		if err != nil || info.Mode() != 0o500 || string(content) != native.This.Embedded {
			t.Error(name, info, err)
		}
	}
	if content, _ := os.ReadFile(victim); string(content) != string(changed) {
		t.Error("what a link led to was written")
	}
	if err := errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := load(native.Places{Cache: cache}); err == nil || !strings.Contains(err.Error(), path+" cannot be written") {
		t.Error(err)
	}
}

func TestWhatAKilledProcessLeftIsRemoved(t *testing.T) {
	cache := t.TempDir()
	os.Chmod(cache, 0o700)
	old, young, other := filepath.Join(cache, ".1.part"), filepath.Join(cache, ".2.part"), filepath.Join(cache, "mine")
	long := time.Now().Add(-2 * time.Hour)
	for _, path := range []string{old, young, other} {
		os.WriteFile(path, nil, 0o600)
	}
	os.Chtimes(old, long, long)
	os.Chtimes(other, long, long)
	if _, err := load(native.Places{Cache: cache}); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(cache, "*"))
	hidden, _ := filepath.Glob(filepath.Join(cache, ".*.part"))
	if len(left) != 3 || !slices.Equal(hidden, []string{young}) {
		t.Error(left, hidden)
	}
}

// foreignFolder is a folder of another user.
func foreignFolder(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		return "/usr"
	}
	folder := filepath.Join(t.TempDir(), "foreign")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Chown(folder, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestUnsafeCacheIsRefused(t *testing.T) {
	base := t.TempDir()
	open := filepath.Join(base, "open")
	link := filepath.Join(base, "link")
	plain := filepath.Join(base, "file")
	if err := errors.Join(
		os.Mkdir(open, 0o700), os.Chmod(open, 0o777), os.Symlink(t.TempDir(), link), os.WriteFile(plain, nil, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for cache, reason := range map[string]string{
		open:                       "can be written by others (mode 777)",
		link:                       "is a link",
		plain:                      "is no folder",
		foreignFolder(t):           "belongs to another user",
		filepath.Join(open, "own"): "lies in " + open + ", where others could exchange it",
	} {
		if library, err := load(native.Places{Cache: cache}); err == nil || !strings.Contains(err.Error(), reason) {
			t.Error(cache, library, err)
		}
		if entries, _ := filepath.Glob(filepath.Join(cache, "*libemail*")); len(entries) != 0 {
			t.Error(entries)
		}
	}
}

func TestWithoutAHomeAFolderForTemporaryFilesIsUsedAndLeftEmpty(t *testing.T) {
	temporary := t.TempDir()
	unusable := filepath.Join(t.TempDir(), "file")
	os.WriteFile(unusable, nil, 0o600)
	for _, environment := range [][]string{{}, {"HOME=" + unusable}, {"HOME=/proc"}} {
		library, err := start(t, program(t), append(environment, "TMPDIR="+temporary)...)
		if err != nil || library.Origin != "embedded" || !strings.Contains(library.Path, filepath.Base(temporary)) {
			t.Error(environment, library, err)
		}
		if left, _ := os.ReadDir(temporary); len(left) != 0 {
			t.Error(left)
		}
	}
}

func TestNowhereToUnpackSaysEveryReasonAndWhatToDo(t *testing.T) {
	_, err := start(t, program(t), "TMPDIR=/absent")
	if err == nil {
		t.Fatal("it was opened")
	}
	for _, part := range []string{
		"cannot be unpacked anywhere", "$HOME", "/absent", "install its file and name it in EMAIL_VALIDATOR_LIBRARY",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
}

func TestManyProcessesAtOnce(t *testing.T) {
	home := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if library, err := start(t, program(t), "HOME="+home); err != nil || library.Origin != "embedded" {
				t.Error(library, err)
			}
		})
	}
	group.Wait()
	folder, err := filepath.Glob(filepath.Join(home, "*", "ferrule-native"))
	if more, _ := filepath.Glob(filepath.Join(home, "*", "*", "ferrule-native")); len(folder) == 0 {
		folder = more
	}
	if err != nil || len(folder) != 1 {
		t.Fatal(folder, err)
	}
	if content, err := os.ReadFile(cached(t, folder[0])); err != nil || string(content) != native.This.Embedded {
		t.Error(len(content), err)
	}
}
