module consumer

go 1.25.0

require (
	example.org/ferrule/signal-stats v0.1.0
	github.com/tetratelabs/wazero v1.12.0
)

require (
	github.com/ebitengine/purego v0.11.3 // indirect
	golang.org/x/sys v0.44.0 // indirect
)

replace example.org/ferrule/signal-stats => ../../../../dist/signal-stats/stats-go
