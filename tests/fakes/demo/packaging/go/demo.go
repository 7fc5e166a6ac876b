// Package demo adds two numbers.
package demo

import _ "example.com/demo/internal/ferrule/native"
