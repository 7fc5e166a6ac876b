module example.com/server

go 1.25

require example.com/demo v1.2.3
