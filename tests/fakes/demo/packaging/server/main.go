package main

import _ "example.com/demo"

func main() {}
