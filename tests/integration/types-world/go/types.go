// Package typesworld is where the bindings of the world are tested from, as a user's package that they are made for.
package typesworld
