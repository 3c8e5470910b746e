package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// A box is a whole Slurm on this machine: munge, a controller and some nodes, all children of this process, all their files in
// one directory. It needs no root; as an ordinary user, jobs are that user's.
type box struct {
	dir     string
	nodes   int
	daemons []*exec.Cmd // in the order of their start
}

// What Debian's slurmctld and its companions need on one machine (slurm.conf(5)). A requeued job starts cred_expire and one second
// later; batch_sched_delay and the intervals have the scheduler look at once; config_overrides believes the number of CPUs.
var slurmConf = template.Must(template.New("slurm.conf").Parse(`ClusterName=box
SlurmctldHost={{.Host}}(127.0.0.1)
SlurmctldPort={{.Port}}
SlurmUser={{.User}}
SlurmdUser={{.User}}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={{.Dir}}/munge/sock,cred_expire=5
StateSaveLocation={{.Dir}}/state
SlurmdSpoolDir={{.Dir}}/spool/%n
SlurmctldPidFile={{.Dir}}/slurmctld.pid
SlurmdPidFile={{.Dir}}/slurmd-%n.pid
SlurmctldLogFile={{.Dir}}/log/slurmctld.log
SlurmdLogFile={{.Dir}}/log/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={{.Dir}}/log/jobcomp.log
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
ReturnToService=2
KillWait=2
SlurmdTimeout=10
MailProg=/bin/true
{{range .Nodes}}NodeName={{.Name}} NodeHostname={{$.Host}} NodeAddr=127.0.0.1 Port={{.Port}} CPUs={{$.CPUs}} RealMemory=100 State=UNKNOWN
{{end}}PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`))

// missing says which programs are not installed; "" where none is.
func missing() string {
	var names []string
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "sinfo"} {
		if find(name) == "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// find is the path of a program; "" where it is not. Daemons are often not in the PATH of ordinary users.
func find(name string) string {
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	return ""
}

// start starts a Slurm with some nodes and waits until they take jobs.
func start(ctx context.Context, nodes int) (_ *box, err error) {
	if names := missing(); names != "" {
		return nil, fmt.Errorf("not installed: %s (Debian: apt-get install slurm-wlm munge)", names)
	}
	// Not below a directory that is closed to others, which munged refuses; the path of its socket must be short.
	dir, err := os.MkdirTemp("/tmp", "slurm-box")
	if err != nil {
		return nil, err
	}
	b := &box{dir: dir, nodes: nodes}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.stop())
		}
	}()
	if err := b.prepare(); err != nil {
		return nil, err
	}
	m := b.path("munge")
	if err := b.daemon("munged", "-F", "--key-file="+m+"/key", "--socket="+m+"/sock", "--pid-file="+m+"/pid", "--log-file="+m+"/log", "--seed-file="+m+"/seed"); err != nil {
		return nil, err
	}
	if err := b.await(ctx, "munged", "", "munge", "-n", "--socket="+m+"/sock"); err != nil {
		return nil, err
	}
	if err := b.daemon("slurmctld", "-D", "-i", "-f", b.path("slurm.conf")); err != nil {
		return nil, err
	}
	if err := b.await(ctx, "slurmctld", "UP", "scontrol", "ping"); err != nil {
		return nil, err
	}
	for i := range nodes {
		if err := b.daemon("slurmd", "-D", "-f", b.path("slurm.conf"), "-N", nodeName(i)); err != nil {
			return nil, err
		}
	}
	return b, b.await(ctx, "slurmd", strings.TrimSuffix(strings.Repeat("idle\n", nodes), "\n"), "sinfo", "-h", "-N", "-o", "%T")
}

func nodeName(i int) string { return fmt.Sprintf("n%d", i) }

func (b *box) path(name string) string { return filepath.Join(b.dir, name) }

// prepare writes the key and the configuration.
func (b *box) prepare() error {
	if err := os.Chmod(b.dir, 0o755); err != nil {
		return err
	}
	for _, d := range []string{"munge", "state", "spool", "log"} {
		if err := os.Mkdir(b.path(d), 0o755); err != nil {
			return err
		}
	}
	key := make([]byte, 1024)
	_, _ = rand.Read(key) // never fails
	if err := os.WriteFile(b.path("munge/key"), key, 0o600); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	host, _, _ = strings.Cut(host, ".")
	me, err := user.Current()
	if err != nil {
		return err
	}
	ports, err := freePorts(1 + b.nodes)
	if err != nil {
		return err
	}
	type node struct {
		Name string
		Port int
	}
	v := struct {
		Dir, Host, User string
		Port, CPUs      int
		Nodes           []node
	}{b.dir, host, me.Username, ports[0], runtime.NumCPU(), nil}
	for i := range b.nodes {
		v.Nodes = append(v.Nodes, node{nodeName(i), ports[1+i]})
	}
	var conf bytes.Buffer
	if err := slurmConf.Execute(&conf, v); err != nil {
		return err
	}
	return os.WriteFile(b.path("slurm.conf"), conf.Bytes(), 0o644)
}

// freePorts are ports that nothing listens on now.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // after all are found, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// daemon starts a daemon in the foreground. It ends with this process, however that ends.
func (b *box) daemon(name string, args ...string) error {
	out, err := os.OpenFile(b.path("log/"+name+".out"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(find(name), args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, b.env()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	b.daemons = append(b.daemons, cmd)
	return nil
}

// await asks until the answer contains what is wanted and the command succeeds.
func (b *box) await(ctx context.Context, daemon, want, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		out, err := b.command(ctx, name, args...).CombinedOutput()
		if err == nil && strings.Contains(string(out), want) {
			return nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(b.path("log/" + daemon + ".out"))
			return fmt.Errorf("%s is not ready: %s says %q\n%s", daemon, name, strings.TrimSpace(string(out)), log)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// env is an environment in which Slurm's commands speak to the box, without what an outer Slurm job may have set.
func (b *box) env() []string {
	env := []string{"SLURM_CONF=" + b.path("slurm.conf")}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "SLURM_") && !strings.HasPrefix(v, "SBATCH_") && !strings.HasPrefix(v, "SQUEUE_") {
			env = append(env, v)
		}
	}
	return env
}

// command is a command in the box.
func (b *box) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = b.env()
	return cmd
}

// stopTime is how long jobs and daemons have to end.
const stopTime = 20 * time.Second

// stop cancels all jobs, ends the daemons and removes the directory.
func (b *box) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if len(b.daemons) > 1 { // there is a controller
		_ = b.command(ctx, "scancel", "--quiet", "--state=PENDING").Run()
		_ = b.command(ctx, "scancel", "--quiet", "--state=RUNNING").Run()
		for ctx.Err() == nil {
			out, err := b.command(ctx, "squeue", "--noheader").Output()
			if err != nil || len(bytes.TrimSpace(out)) == 0 {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	for i := len(b.daemons) - 1; i >= 0; i-- {
		d := b.daemons[i]
		_ = d.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(stopTime, func() { _ = d.Process.Kill() })
		_ = d.Wait() // its exit code says nothing
		late.Stop()
	}
	return os.RemoveAll(b.dir)
}
