module example.org/ferrule/ferrule-service

go 1.25.0

require (
	example.org/ferrule/email-validator v0.1.0
	example.org/ferrule/sealed-box v0.1.0
	example.org/ferrule/signal-stats v0.1.0
)

require (
	github.com/ebitengine/purego v0.11.3 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
)

// What a release of all three makes. A release itself puts the modules in place.
replace (
	example.org/ferrule/email-validator => ../../dist/email-validator/go
	example.org/ferrule/sealed-box => ../../dist/sealed-box/box-go
	example.org/ferrule/signal-stats => ../../dist/signal-stats/stats-go
)
