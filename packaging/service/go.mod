module example.org/ferrule/email-validator-service

go 1.25.0

require example.org/ferrule/email-validator v0.1.0

require (
	github.com/ebitengine/purego v0.11.3 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	golang.org/x/sys v0.44.0 // indirect
)

// What `ferrule build go --target all` makes. A release puts the module in place by itself.
replace example.org/ferrule/email-validator => ../../dist/email-validator/go
