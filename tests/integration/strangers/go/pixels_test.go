package strangers

import (
	"bytes"
	"testing"

	"example.org/strangers/pixels/internal/ferrule/bindings"
	"example.org/strangers/pixels/internal/ferrule/native"
)

func TestPixels(t *testing.T) {
	opened, err := native.Open("libpixels.so")
	if err != nil {
		t.Fatal(err)
	}
	library, err := bindings.Open(opened)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, 4)
	library.Invert([]byte{0, 1, 2, 3}, out)
	if !bytes.Equal(out, []byte{0xff, 0xfe, 0xfd, 0xfc}) {
		t.Error(out)
	}
	if times, data := library.Repeat([]byte("ab"), 3); times != 3 || string(data) != "ababab" {
		t.Error(times, data)
	}
	if some, least, greatest := library.Extent([]int32{3, -1}); some != 1 || least != -1 || greatest != 3 {
		t.Error(some, least, greatest)
	}
}
