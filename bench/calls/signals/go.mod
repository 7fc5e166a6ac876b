// Measures calls of the Go module that a release has put into dist/signal-stats/stats-go.
module signals

go 1.25.0

require example.org/ferrule/signal-stats v0.0.0

require github.com/ebitengine/purego v0.11.3 // indirect

replace example.org/ferrule/signal-stats => ../../../dist/signal-stats/stats-go
