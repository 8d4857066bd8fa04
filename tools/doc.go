// Package tools holds the versions of the linters, apart from the product's own dependencies, and the tests that the
// linters bite.
package tools
