module consumer

go 1.25.0

require example.org/ferrule/email-validator v0.0.0

require github.com/ebitengine/purego v0.11.3 // indirect
