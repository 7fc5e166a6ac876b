// Measures calls of the Go modules that releases have put into dist/.
module calls

go 1.25.0

require (
	example.org/ferrule/email-validator v0.0.0
	example.org/ferrule/signal-stats v0.0.0
)

require (
	github.com/ebitengine/purego v0.11.3 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
)

replace (
	example.org/ferrule/email-validator => ../../../dist/email-validator/go
	example.org/ferrule/signal-stats => ../../../dist/signal-stats/stats-go
)
