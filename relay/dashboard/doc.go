// Package dashboard is the door by which people and programs on this machine
// talk to a running node: HTTP over a Unix socket in the data folder, and, if
// configured, the read-only part of it on a loopback address.
//
// It knows no relay logic. The node hands it an API, a set of functions, and
// the package turns requests into calls and results into JSON. The command
// line uses Client, so that a command and a script see the same answers.
//
//	POST /v1/publish?name=F&profile=P   a STIX bundle, MISP event or CSV; answers Published
//	GET  /v1/status                     Status
//	GET  /v1/arrivals?from=N            JSON lines of Arrival, following the log until the caller leaves
//	GET  /v1/lists/{kind}               a plain block list
//	GET  /v1/messages/{seq}             the signed message at a log sequence, with its hops
//	GET  /v1/proofs                     a list of Proof: equivocations
//	GET  /v1/proofs/{seq}               the text of one, for verify
//	POST /v1/withdraw?reason=R&id=ID    take own objects back; answers a list of Withdrawal
//	GET  /v1/withdrawals?id=ID&seq=N    a list of Withdrawal
//	POST /v1/reoriginate?id=ID          give on others' objects as own ones; answers a list of Reoriginated
//	GET  /v1/openings/{id}              what opens the commitment of one
//	POST /v1/aggregate?from=D&to=D      count a closed period, with publish=true as an object; answers Aggregate
//	POST /v1/reload                     read configuration, policies and agreements again
//	POST /v1/audit/head                 sign the end of the journal; answers Head
//	GET  /v1/audit/chain?from=N         the journal, one record a line, each as it was hashed
//	GET  /v1/audit/records?peer=P&from=T&to=T   those of which an export is made
//	GET  /v1/audit/why?object=O&to=P&at=T   what was decided on an object for a recipient: Why
//	GET  /v1/audit/who-got?object=O     to whom an object went: GotBy
//	GET  /healthz                       200 while the node can take messages
//	GET  /metrics                       Prometheus text
//
// Only the last two are served on the loopback address.
package dashboard
