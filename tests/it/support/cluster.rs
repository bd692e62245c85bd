//! A PostgreSQL server of one test's own, to be stopped and started at will.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A server with its files; stopped when it is dropped.
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// Makes a cluster and starts it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("everreach-pg-").tempdir().expect("a folder");
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a port").port();
        let cluster = Self { programs: programs(), folder, port };
        if is_root() {
            // PostgreSQL refuses to run as root.
            let status = Command::new("chown").arg("postgres").arg(cluster.folder.path()).status().expect("chown runs");
            assert!(status.success(), "there is no user `postgres`");
        }
        cluster.run("initdb", &["--auth=trust", "--username=postgres", "--no-sync", "--no-locale", "--encoding=UTF8"]);
        cluster.resume();
        cluster
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills it as a power cut would.
    pub(crate) fn cut(&self) {
        self.run("pg_ctl", &["stop", "-m", "immediate", "-w"]);
    }

    /// Starts it and waits until it answers.
    pub(crate) fn resume(&self) {
        let options = format!("-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=off", self.port, self.folder.path().display());
        let log = self.folder.path().join("log").display().to_string();
        self.run("pg_ctl", &["start", "-w", "-o", &options, "-l", &log]);
    }

    /// Stops every process of it in the middle of what it does: nobody is refused, and nobody is answered.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets them go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).expect("it runs");
        let postmaster = file.lines().next().expect("its number").trim().to_owned();
        // The first process first, so that it starts no other meanwhile.
        let mut ids = vec![postmaster.clone()];
        let output = Command::new("ps").args(["-o", "pid=", "--ppid", &postmaster]).output().expect("ps runs");
        ids.extend(String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned));
        for id in ids {
            // One that has just ended needs no signal.
            let _ended = Command::new("kill").args([name, &id]).output().expect("kill runs");
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program, arguments).output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let path = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.arg("-D").arg(self.data()).args(arguments).current_dir(self.folder.path());
        // A server that inherits the test's output would keep it open for ever.
        command.stdin(std::process::Stdio::null());
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.thaw();
        }
        let _stopped_already = self.command("pg_ctl", &["stop", "-m", "immediate", "-w"]).output();
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|of_process| of_process.uid() == 0)
}

/// Where the newest server's programs are.
fn programs() -> PathBuf {
    let is_complete = |folder: &Path| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    #[allow(clippy::disallowed_methods, reason = "where programs are is the environment's to say")]
    let on_path = std::env::var("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path).collect::<Vec<_>>();
    versions
        .chain(on_path)
        .filter(|folder| is_complete(folder))
        .max()
        .expect("no PostgreSQL server programs (initdb, pg_ctl): install the postgresql package")
}
