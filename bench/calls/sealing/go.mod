// Measures calls of the Go module that a release has put into dist/sealed-box/box-go.
module sealing

go 1.25.0

require example.org/ferrule/sealed-box v0.0.0

require github.com/ebitengine/purego v0.11.3 // indirect

replace example.org/ferrule/sealed-box => ../../../dist/sealed-box/box-go
