// Measures calls of the Go module that a release has put into dist/email-validator/go.
module calls

go 1.25.0

require example.org/ferrule/email-validator v0.0.0

require (
	github.com/ebitengine/purego v0.11.3 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
)

replace example.org/ferrule/email-validator => ../../../dist/email-validator/go
