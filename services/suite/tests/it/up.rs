//! `shopfloor up` as a process: started, killed, started again, told to end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A home folder and five free ports; no process of it outlives the test.
struct Place {
    home: PathBuf,
    ports: Vec<u16>,
}

impl Place {
    fn new(name: &str) -> Self {
        let home = std::env::temp_dir().join(format!("shopfloor-up-{name}-{}", std::process::id()));
        let held: Vec<_> = (0..5).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports = held.iter().map(|l| l.local_addr().unwrap().port()).collect();
        Self { home, ports }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shopfloor"));
        command.args(arguments).arg("--home").arg(&self.home);
        for (flag, port) in
            ["--http-port", "--grpc-port", "--ops-port", "--postgres-port", "--nats-port"].iter().zip(&self.ports)
        {
            command.args([flag, port.to_string().as_str()]);
        }
        command.env("XDG_CONFIG_HOME", self.home.join("config"));
        command
    }

    fn client(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shopfloor"));
        command.args(arguments).env("XDG_CONFIG_HOME", self.home.join("config"));
        command.env("SHOPFLOOR_HTTP", format!("http://127.0.0.1:{}", self.ports[0]));
        command.env("SHOPFLOOR_GRPC", format!("http://127.0.0.1:{}", self.ports[1]));
        command.output().unwrap()
    }

    /// Starts and returns when it says that it is ready, with what it printed until then.
    fn up(&self) -> (Child, String) {
        let mut child = self.command(&["up", "--no-demo"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut printed = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if line.contains("Ctrl-C ends it") {
                return (child, printed);
            }
            printed.push_str(&line);
            printed.push('\n');
        }
        child.wait().unwrap();
        panic!("it ended without being ready:\n{printed}");
    }

    /// Processes that work in the home folder.
    fn processes(&self) -> Vec<String> {
        let ours = |entry: &std::fs::DirEntry| {
            let command = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
            let folder = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            (command.contains(self.home.to_str()?) || folder.starts_with(&self.home))
                .then(|| command.replace('\0', " "))
        };
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| ours(&entry)).collect()
    }

    fn is_left_alone(&self) {
        let begun = Instant::now();
        while !self.processes().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(30), "still there: {:#?}", self.processes());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.home).ok();
    }
}

fn one_time_password(home: &Path) -> String {
    let secrets: serde_json::Value =
        serde_json::from_slice(&std::fs::read(home.join("secrets.json")).unwrap()).unwrap();
    secrets["one_time_password"].as_str().unwrap().to_owned()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_killed_launcher_leaves_no_orphan_and_no_damage() {
    let place = Place::new("kill");
    let (mut first, printed) = place.up();
    assert!(printed.contains("one-time password") && printed.contains("/docs"), "{printed}");
    let password = one_time_password(&place.home);
    let signed_in =
        place.client(&["sign-in", "admin", "--password", &password, "--new-password", "correct horse battery"]);
    assert!(signed_in.status.success(), "{}", text(&signed_in));
    kill(Pid::from_raw(first.id().try_into().unwrap()), Signal::SIGKILL).unwrap();
    first.wait().unwrap();
    place.is_left_alone();

    // What was answered is still there: the new password and the session.
    let (mut second, _) = place.up();
    let who = place.client(&["call", "AuthService/WhoAmI"]);
    assert!(who.status.success() && text(&who).contains("\"login\": \"admin\""), "{}", text(&who));
    let wrong = place.client(&["sign-in", "admin", "--password", &password]);
    assert!(!wrong.status.success(), "the one-time password works once");

    // A second one in the same home is refused with a sentence; so is a wrong request, and an unknown RPC.
    let refused = place.command(&["up", "--no-demo"]).output().unwrap();
    assert!(!refused.status.success() && text(&refused).contains("already runs in"), "{}", text(&refused));
    let bad = place.client(&["call", "EmployeeService/GetEmployee", r#"{"employee_id": "x"}"#]);
    assert!(!bad.status.success() && text(&bad).contains("INVALID_ARGUMENT"), "{}", text(&bad));
    let unknown = place.client(&["call", "NoService/NoMethod"]);
    assert!(text(&unknown).contains("shopfloor rpcs"), "{}", text(&unknown));
    let letters = place.client(&["dead-letters", "list"]);
    assert!(text(&letters).contains("0 dead letters"), "{}", text(&letters));
    let replay = place.client(&["replay", "--service", "identity", "--type", "employee_changed"]);
    let said = text(&replay);
    assert!(said.contains("events of identity will be published again") && !said.starts_with("0 "), "{said}");

    a_session_outlives_its_tokens(&place);

    // Told to end, it ends in good order.
    kill(Pid::from_raw(second.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(second.wait().unwrap().success());
    place.is_left_alone();
}

/// Access tokens run out long before sessions do; commands of one session that run at once do not rob each other.
fn a_session_outlives_its_tokens(place: &Place) {
    let file = place.home.join("config/shopfloor/session.json");
    let change = |field: &str, value: &str| {
        let mut session: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        session[field] = value.into();
        std::fs::write(&file, session.to_string()).unwrap();
    };
    change("expires_at", "2020-01-01T00:00:00Z");
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..4).map(|_| scope.spawn(|| place.client(&["call", "AuthService/WhoAmI"]))).collect();
        for one in running {
            let who = one.join().unwrap();
            assert!(text(&who).contains("\"login\": \"admin\""), "{}", text(&who));
        }
    });
    // A token that is refused although the clock says it should work is replaced, too; over gRPC and over HTTP.
    let orders = place.home.join("orders.csv");
    let heading = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
    std::fs::write(&orders, format!("{heading}\n1,A,x,2,2011-01-03 10:00:00,1.50,7.0,France\n")).unwrap();
    let (orders, report) = (orders.to_str().unwrap(), place.home.join("report.csv"));
    let replay = ["replay-orders", orders, "--report", report.to_str().unwrap()];
    let refused = place.client(&replay);
    assert!(text(&refused).contains("keeps its costs in RUB; say with --rate"), "{}", text(&refused));
    let replay = [&replay[..], &["--rate", "100"]].concat();
    for command in [&["call", "AuthService/WhoAmI"][..], &replay[..]] {
        change("access_token", "a.b.c");
        let done = place.client(command);
        assert!(done.status.success(), "{}", text(&done));
    }
    let token = place.client(&["token"]);
    assert_eq!(text(&token).trim().split('.').count(), 3, "{}", text(&token));
}

#[test]
fn a_busy_port_stops_the_start_with_a_sentence_that_says_what_to_do() {
    let place = Place::new("busy");
    for (port, flag) in place.ports.iter().zip(["--http-port", "--grpc-port", "--ops-port"]) {
        let _holder = TcpListener::bind(("127.0.0.1", *port)).unwrap();
        let refused = place.command(&["up", "--no-demo"]).output().unwrap();
        assert!(!refused.status.success());
        assert!(
            text(&refused).contains("is taken by another program") && text(&refused).contains(flag),
            "{}",
            text(&refused)
        );
    }
    place.is_left_alone();
}

#[test]
fn wrong_settings_stop_the_start_with_a_sentence() {
    let place = Place::new("settings");
    let refused = place.command(&["up", "--no-demo", "--currency", "roubles"]).output().unwrap();
    assert!(!refused.status.success() && text(&refused).contains("SHOPFLOOR_CURRENCY"), "{}", text(&refused));
    let serve = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shopfloor"));
        let output = command.arg("serve").args(arguments).output().unwrap();
        assert!(!output.status.success());
        text(&output)
    };
    assert!(serve(&["orders"]).contains("--internal-secret"));
    assert!(serve(&["orders", "--internal-secret", "short"]).contains("at least 32"));
    assert!(serve(&["bakery"]).contains("possible values"));
    let secret = "x".repeat(32);
    let arguments = ["orders", "--internal-secret", &secret, "--grpc-addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0"];
    assert!(serve(&arguments).contains("SHOPFLOOR_ORDERS_DATABASE_URL"), "{}", serve(&arguments));
    place.is_left_alone();
}

#[test]
fn all_rpcs_are_listed_with_permission_and_route() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_shopfloor")).arg("rpcs").stdout(Stdio::piped()).spawn().unwrap();
    let mut listed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut listed).unwrap();
    assert!(child.wait().unwrap().success());
    let push = listed.lines().find(|line| line.contains("IntakeService/PushOrder ")).unwrap();
    assert!(push.contains("orders.order.push") && push.contains("POST /v1/orders"), "{push}");
}
