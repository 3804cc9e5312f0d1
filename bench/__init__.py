"""The load and scale benchmarks. `make bench` runs them; docs/performance.md explains them."""
