package bench

// Report is what one run measured.
type Report struct {
	Machine Machine `json:"machine"`
	Noise   Noise   `json:"noise"`
	Seconds float64 `json:"seconds"` // how long the whole run took
	Full    bool    `json:"full"`
	Rows    []Row   `json:"rows"`
}

// Machine is what was measured on.
type Machine struct {
	System     string  `json:"system"` // such as linux/amd64
	Cores      int     `json:"cores"`
	CPU        string  `json:"cpu,omitempty"`
	Go         string  `json:"go"`
	NATSServer string  `json:"nats_server"`
	Entente    string  `json:"entente"`
	FsyncMS    float64 `json:"fsync_ms"` // 4 KiB written and synced, the median
}

// Row is one measurement.
type Row struct {
	Name string `json:"name"`
	// ObjectsPerSecond is the median of Runs; 0 in rows that measure something
	// else.
	ObjectsPerSecond float64 `json:"objects_per_second"`
	// CPUPerObject is user and system time, in microseconds, of all nodes or
	// servers of the row together, without whoever publishes.
	CPUPerObject float64 `json:"cpu_us_per_object"`
	// BytesPerObject are those on the wire or those that the last node stored,
	// as BytesAre says.
	BytesPerObject float64 `json:"bytes_per_object"`
	BytesAre       string  `json:"bytes_are,omitempty"`
	// Baseline names the row that this one is compared with; Ratio is its
	// objects a second by that row's, nil if that was not measured.
	Baseline string   `json:"baseline"`
	Ratio    *float64 `json:"ratio"`
	// Ratios holds those to further rows, CPURatio the CPU per object by that
	// of the baseline.
	Ratios   map[string]float64 `json:"ratios,omitempty"`
	CPURatio *float64           `json:"cpu_ratio,omitempty"`

	// Slowest and Fastest are those of Runs.
	Slowest float64 `json:"objects_per_second_min,omitempty"`
	Fastest float64 `json:"objects_per_second_max,omitempty"`
	Runs    int     `json:"runs,omitempty"`
	Objects uint64  `json:"objects,omitempty"` // of all runs
	Seconds float64 `json:"seconds,omitempty"`
	// CPUBy divides CPUPerObject by process, and adds who publishes.
	CPUBy map[string]float64 `json:"cpu_us_per_object_by,omitempty"`

	// Arrived, Withheld, Held and Refused say what became of the objects, as
	// shares of all that were published.
	Fate *Fate `json:"fate,omitempty"`
	// Latency is that from the moment an object was due at the first node.
	Latency *Latency `json:"latency,omitempty"`
	// Node is what one process costs that does nothing, or has much.
	Node *NodeCost `json:"node,omitempty"`
	// Note is what else has to be known to read the row.
	Note string `json:"note,omitempty"`

	also []string // further rows to compare with
}

// Fate says what became of the objects that were published, as shares of all.
type Fate struct {
	Arrived  float64 `json:"arrived"`
	Withheld float64 `json:"withheld"`
	Held     float64 `json:"held"`
	Refused  float64 `json:"refused"`
}

// Latency is how long objects took, in milliseconds.
type Latency struct {
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
}

// NodeCost is what one node's process costs.
type NodeCost struct {
	RSSMB         float64 `json:"rss_mb"`
	CPUPercent    float64 `json:"cpu_percent"`     // of one core
	ReadyMS       float64 `json:"ready_ms"`        // from the start of the process to its line that says so
	FirstAnswerMS float64 `json:"first_answer_ms"` // the same, when it starts again, to an answer on its socket
}
