package main

import "testing"

func TestFingerprintsTellServersApart(t *testing.T) {
	t.Parallel()
	same := []string{"esdb://host:2113?tls=false", "esdb://anna:hush@host:2113?tls=false", "esdb://anna:p@ss@host:2113?tls=false", "esdb+discover://host:2113?tls=false"}
	others := []string{"esdb://other:2113?tls=false", "esdb://host:2114?tls=false", "esdb://host:2113", "esdb://a:1,b:2/x@y"}
	seen := make(map[string]string)
	for i, url := range append(same, others...) {
		of := address{esdbEngine, url}.fingerprint()
		if first, there := seen[of]; there != (i > 0 && i < len(same)) {
			t.Errorf("%s has fingerprint %s, which %q has", url, of, first)
		}
		seen[of] = url
	}
}
