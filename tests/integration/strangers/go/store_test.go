package strangers

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"example.org/strangers/store/internal/ferrule/bindings"
	"example.org/strangers/store/internal/ferrule/native"
)

func open(t *testing.T) *bindings.Library {
	opened, err := native.Open("libstore.so")
	if err != nil {
		t.Fatal(err)
	}
	library, err := bindings.Open(opened)
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func live() (count int) {
	bindings.Live.Range(func(any, any) bool { count++; return true })
	return count
}

func TestStore(t *testing.T) {
	library := open(t)
	db, err := library.OpenDb("here")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Put("clé", "valeur"); err != nil {
		t.Error(err)
	}
	value, err := db.Get("clé")
	if err != nil || value.String() != "valeur" || string(value.Bytes()) != "valeur" {
		t.Error(value, err)
	}
	value.Free()
	value.Free()
	bindings.Text{}.Free()
	if stats, err := db.Stats(); err != nil || stats.Keys != 1 || stats.Load != 0.5 {
		t.Error(stats, err)
	}
	cursor, err := db.Cursor()
	if err != nil {
		t.Fatal(err)
	}
	db.Close() // the cursor keeps it: the library would abort
	if _, err := db.Get("clé"); !errors.Is(err, bindings.ErrClosed) {
		t.Error(err)
	}
	if key, more, err := cursor.Next(); key != "clé" || more != 0 || err != nil {
		t.Error(key, more, err)
	}
	if _, _, err := cursor.Next(); err == nil || errors.Is(err, bindings.StatusOk) {
		t.Error(err)
	}
	cursor.Close()
	if live() != 0 {
		t.Error(live(), "handles are left")
	}
	refused := (*bindings.Error)(nil)
	other, _ := library.OpenDb("x")
	if _, err := other.Get("no"); !errors.Is(err, bindings.StatusNotFound) || !errors.As(err, &refused) || refused.Message != "no such key: é" {
		t.Error(err)
	}
	if _, err := library.OpenDb("a path that is longer than that"); !errors.Is(err, bindings.StatusBroken) {
		t.Error(err)
	}
	if _, err := library.OpenDb("a\x00b"); !errors.Is(err, bindings.ErrNUL) {
		t.Error(err)
	}
	other.Close()
}

// While it is used for the last time, nothing refers to a handle but the call itself.
func TestNothingIsFreedWhileItIsUsed(t *testing.T) {
	library, stop := open(t), make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for range 300 {
		db, err := library.OpenDb("here")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Put("a", "b"); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	for range 500 {
		if runtime.GC(); live() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error(live(), "handles are left")
}
