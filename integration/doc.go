// Package integration tests several regions together: real nodes with real
// NATS servers, links that are cut, processes that are killed, hostile peers,
// and inputs from the outside world.
//
// It holds no product code. What it needs of the world beyond the repository
// (sample files, the workload generator) it looks for in the folder that
// ENTENTE_SHARED names, else in ../shared beside the repository, and says so
// when it skips.
package integration
