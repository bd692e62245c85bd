//! A Redis server of one test's own, to be killed, stopped and started at will.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a Redis that was killed has when it is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// What it had written down.
    Kept,
    /// Nothing.
    Lost,
}

/// A server on a socket in a folder of its own; killed when it is dropped.
pub(crate) struct RedisServer {
    folder: TempDir,
    process: Option<Child>,
}

impl RedisServer {
    /// A place for a server that does not run yet.
    pub(crate) fn away() -> Self {
        let folder = tempfile::Builder::new().prefix("everreach-redis-").tempdir().expect("a folder");
        Self { folder, process: None }
    }

    /// Starts a server and waits until it answers.
    pub(crate) fn start() -> Self {
        let mut server = Self::away();
        server.resume(Memory::Lost);
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("it can be killed");
        process.wait().expect("it ends");
    }

    /// Starts it again after a kill.
    pub(crate) fn resume(&mut self, memory: Memory) {
        if memory == Memory::Lost {
            let _there_was_nothing = std::fs::remove_dir_all(self.folder.path().join("appendonlydir"));
        }
        let _it_was_stopped_properly = std::fs::remove_file(self.socket());
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "no", "--unixsocket"]);
        command.arg(self.socket()).arg("--dir").arg(self.folder.path());
        // A server that inherits the test's output would keep it open for ever.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(command.spawn().expect("no redis-server: install the redis-server package"));
        let began = tokio::time::Instant::now();
        while self.try_say("PING").is_none_or(|answer| answer != "+PONG") {
            assert!(began.elapsed() < PATIENCE, "redis does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGSTOP: connections stay, nothing is answered.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub(crate) fn unpause(&self) {
        self.signal("-CONT");
    }

    /// Sends a command without spaces in its words; the first line of the answer.
    pub(crate) fn say(&self, command: &str) -> String {
        self.try_say(command).expect("redis answers")
    }

    /// Listens on a channel; messages come as they are sent.
    pub(crate) fn listen(&self, channel: &str) -> std::sync::mpsc::Receiver<String> {
        let mut stream = UnixStream::connect(self.socket()).expect("redis takes connections");
        writeln!(stream, "SUBSCRIBE {channel}\r").expect("it is sent");
        let (tell, told) = std::sync::mpsc::channel();
        let mut lines = BufReader::new(stream).lines();
        assert_eq!(lines.next().and_then(Result::ok).as_deref(), Some("*3"), "it listens");
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok).filter(|line| line.starts_with('{')) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        told
    }

    fn try_say(&self, command: &str) -> Option<String> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "{command}\r\n").ok()?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).ok()?;
        Some(answer.trim_end().to_owned())
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _it_is_dead_already = process.kill();
            let _it_is_gone_already = process.wait();
        }
    }
}
