package bench

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"
)

// residentBytes is the memory of this process that is in RAM (proc_pid_statm(5)).
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text))
	if len(f) < 2 {
		return 0
	}
	n, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages(n)
}

// cpuModel is the processor's name (proc_cpuinfo(5)), "" where the system does
// not give one.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	s := bufio.NewScanner(bytes.NewReader(text))
	for s.Scan() {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// userHertz is how many ticks of /proc/stat make a second: 100 on every
// architecture that Go runs on (USER_HZ, proc_stat(5)).
const userHertz = 100

// machineTimes is what the whole machine has used (proc_stat(5)): the first line
// counts user, nice, system, idle, iowait, irq, softirq, steal.
func machineTimes() (busy, steal time.Duration, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	line, _, _ := strings.Cut(string(text), "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, 0, false
	}
	at := func(i int) time.Duration {
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return 0
		}
		return time.Duration(n) * time.Second / userHertz
	}
	return at(1) + at(2) + at(3) + at(6) + at(7), at(8), true
}
