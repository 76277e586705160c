//! A server on the loopback that a test starts and that ends with it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use memo_redis::Builder;
use tempfile::TempDir;

/// How long a test waits for what has to happen.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    options: Vec<String>,
}

/// Reports whether a program is installed, and says so if not.
pub(crate) fn is_installed(program: &str) -> bool {
    let run =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if run.is_err() {
        println!("skipped: {program} is not installed");
    }
    run.is_ok()
}

/// Starts a server for a test, which ends here if none is installed.
macro_rules! server {
    ($($option:expr),* $(,)?) => {{
        if !$crate::server::is_installed("redis-server") {
            return;
        }
        $crate::server::Server::start(&[$($option),*])
    }};
}
pub(crate) use server;

/// Returns a port that nobody uses at present.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Server {
    /// Starts a server and returns when it answers.
    pub(crate) fn start(options: &[&str]) -> Self {
        let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        // Somebody else may take the port first.
        (0..20)
            .find_map(|_| Self::try_start(free_port(), options.clone()))
            .expect("no server started")
    }

    fn try_start(port: u16, options: Vec<String>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let process = spawn(port, folder.path(), &options);
        let mut server = Self { process, port, folder, options };
        server.wait_until_ready().then_some(server)
    }

    fn wait_until_ready(&mut self) -> bool {
        let end = Instant::now() + LONG;
        while Instant::now() < end {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Ends the server and starts it again, with the same port and nothing in it.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.port, self.folder.path(), &self.options);
        assert!(self.wait_until_ready(), "the server does not start again");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns the settings for a machine that a test's own slowness does not cut off.
    pub(crate) fn builder(&self) -> Builder {
        Builder::new(self.url()).heartbeat(LONG)
    }

    /// Sends a command, and returns the answer in the form of the protocol, which begins with `-` for an error.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        Client::connect(self.port).command(words)
    }

    pub(crate) fn signal(&self, signal: libc::c_int) {
        let process = libc::pid_t::try_from(self.process.id()).unwrap();
        // SAFETY: the process is a child that was not waited for, so the number is still its own.
        assert_eq!(unsafe { libc::kill(process, signal) }, 0);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(port: u16, folder: &Path, options: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
        .arg(port.to_string());
    command
        .arg("--dir")
        .arg(folder)
        .args(options)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A connection of the test's own, without the crate that is tested.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, words: &[&str]) {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.0.write_all(request.as_bytes()).unwrap();
    }

    pub(crate) fn command(&mut self, words: &[&str]) -> String {
        self.send(words);
        let mut answer = Vec::new();
        self.read(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    /// Reads one value of RESP2.
    fn read(&mut self, answer: &mut Vec<u8>) {
        let begin = answer.len();
        while !answer[begin..].ends_with(b"\r\n") {
            self.read_exactly(1, answer);
        }
        let line = String::from_utf8(answer[begin + 1..answer.len() - 2].to_vec()).unwrap();
        match answer[begin] {
            b'$' if line != "-1" => self.read_exactly(line.parse::<usize>().unwrap() + 2, answer),
            b'*' => (0..line.parse().unwrap_or(0)).for_each(|_| self.read(answer)),
            _ => {}
        }
    }

    fn read_exactly(&mut self, count: usize, answer: &mut Vec<u8>) {
        let begin = answer.len();
        answer.resize(begin + count, 0);
        self.0.read_exact(&mut answer[begin..]).unwrap();
    }
}
