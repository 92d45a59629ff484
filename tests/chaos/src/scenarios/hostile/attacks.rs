//! The attacks, one after the other.

use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::FutureExt as _;
use futures::future::{join_all, try_join_all};
use proto::orders::v1::PushOrderRequest;
use proto::orders::v1::intake_service_client::IntakeServiceClient;
use std::io::Write as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::{Findings, ms};
use super::bystander::Bystander;
use super::raw::{self, End};
use super::{Target, beside};

/// How an attack turned out: whether each thing is as it must be.
type Outcomes = anyhow::Result<Vec<(bool, String)>>;

/// An answer to something that needs no waiting comes within this.
const AT_ONCE: Duration = Duration::from_secs(5);
const MIB: u64 = 1 << 20;

/// All of them.
pub(super) async fn all(target: &Target<'_>, bystander: &Bystander, findings: &mut Findings) -> anyhow::Result<()> {
    let attacks = [
        ("2,000 connections that say nothing", idle(target).boxed()),
        ("200 connections that sent one request and nothing more", kept(target).boxed()),
        ("200 heads and bodies, a byte a second", slow(target).boxed()),
        ("100 half bodies, then silence", silent(target).boxed()),
        ("500 half bodies, then gone", gone(target).boxed()),
        ("100 MB bodies", large(target).boxed()),
        ("gzip bombs", bombs(target).boxed()),
        ("JSON 100,000 levels deep", deep(target).boxed()),
        ("10,000 headers, a header of 1 MB", headers(target).boxed()),
        ("garbage after good requests", garbage(target).boxed()),
        ("HTTP/2 streams opened and reset", resets(target).boxed()),
        ("HTTP/2 headers that never end", endless(target).boxed()),
        ("gRPC messages too large", messages(target).boxed()),
        ("answers asked for and never read", unread(target).boxed()),
        ("event streams never read", streams(target).boxed()),
    ];
    for (name, attack) in attacks {
        beside(target.company, bystander, findings, name, attack).await?;
    }
    Ok(())
}

/// Counts ends by kind: `Cut × 3, Answered(408) × 5`.
fn count(ends: &[End]) -> String {
    let mut kinds: Vec<(&End, usize)> = Vec::new();
    for end in ends {
        match kinds.iter_mut().find(|(kind, _)| *kind == end) {
            Some((_, count)) => *count += 1,
            None => kinds.push((end, 1)),
        }
    }
    kinds.iter().map(|(kind, count)| format!("{kind:?} × {count}")).collect::<Vec<_>>().join(", ")
}

/// All ended, by a cut or one of these statuses.
fn ended(ends: &[End], statuses: &[u16]) -> bool {
    ends.iter().all(|end| match end {
        End::Answered(status) => statuses.contains(status),
        End::Cut => true,
        End::Open => false,
    })
}

fn outcome(ends: &[End], statuses: &[u16], begun: Instant) -> (bool, String) {
    (ended(ends, statuses), format!("{} within {}", count(ends), ms(begun.elapsed())))
}

fn push_head(target: &Target<'_>, more: &str) -> String {
    format!(
        "POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-api-key: {}\r\n{more}\r\n",
        target.key
    )
}

const SIGN_IN: &str = "POST /v1/auth/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

async fn idle(target: &Target<'_>) -> Outcomes {
    let begun = Instant::now();
    let mut sockets = raw::connect(target.http, 2_000).await?;
    let opened = begun.elapsed();
    let ends = join_all(sockets.iter_mut().map(|socket| raw::end(socket, target.patience()))).await;
    Ok(vec![(true, format!("opened in {}", ms(opened))), outcome(&ends, &[408], begun)])
}

async fn kept(target: &Target<'_>) -> Outcomes {
    let begun = Instant::now();
    let mut sockets = raw::connect(target.http, 200).await?;
    for socket in &mut sockets {
        socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await?;
    }
    let all = join_all(sockets.iter_mut().map(|socket| raw::drain(socket, target.patience()))).await;
    let good = all.iter().flatten().filter(|text| text.starts_with(b"HTTP/1.1 200")).count();
    let closed = all.iter().flatten().count();
    Ok(vec![(
        good == 200 && closed == 200,
        format!("{good} of 200 answered, {closed} closed when idle, within {}", ms(begun.elapsed())),
    )])
}

async fn slow(target: &Target<'_>) -> Outcomes {
    let begun = Instant::now();
    let heads = raw::connect(target.http, 100).await?;
    let mut bodies = raw::connect(target.http, 100).await?;
    for (n, socket) in bodies.iter_mut().enumerate() {
        let head = if n % 2 == 0 {
            push_head(target, "content-length: 1000\r\n")
        } else {
            format!("{SIGN_IN}content-length: 1000\r\n\r\n")
        };
        socket.write_all(head.as_bytes()).await?;
    }
    let (heads, bodies) = tokio::join!(
        raw::drip(heads, b"GET /v1/orders?page=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", target.patience()),
        raw::drip(bodies, b" ", target.patience())
    );
    let (heads, bodies) = (outcome(&heads, &[408], begun), outcome(&bodies, &[408], begun));
    Ok(vec![(heads.0, format!("heads: {}", heads.1)), (bodies.0, format!("bodies: {}", bodies.1))])
}

async fn silent(target: &Target<'_>) -> Outcomes {
    let begun = Instant::now();
    let mut sockets = raw::connect(target.http, 100).await?;
    for socket in &mut sockets {
        let half = push_head(target, "content-length: 3000000\r\n") + &" ".repeat(20_000);
        socket.write_all(half.as_bytes()).await?;
    }
    let ends = join_all(sockets.iter_mut().map(|socket| raw::end(socket, target.patience()))).await;
    Ok(vec![outcome(&ends, &[408], begun)])
}

async fn gone(target: &Target<'_>) -> Outcomes {
    for _ in 0..10 {
        for mut socket in raw::connect(target.http, 50).await? {
            let half = push_head(target, "content-length: 3000000\r\n") + &" ".repeat(20_000);
            socket.write_all(half.as_bytes()).await?;
        }
    }
    Ok(Vec::new())
}

async fn large(target: &Target<'_>) -> Outcomes {
    let mut outcomes = Vec::new();
    let piece = vec![b' '; 64 << 10];
    let chunk = [b"10000\r\n".as_slice(), &piece, b"\r\n"].concat();
    let declared = push_head(target, "content-length: 100000000\r\n");
    let chunked = push_head(target, "transfer-encoding: chunked\r\n");
    for (what, head, piece) in [("declared", declared, &piece), ("chunked", chunked, &chunk)] {
        let begun = Instant::now();
        let pours = (0..8).map(|_| raw::pour(target.http, &head, piece, 100 * MIB, AT_ONCE));
        let done = try_join_all(pours).await?;
        let most = done.iter().map(|(taken, _)| taken / MIB).max().unwrap_or_default();
        let ends: Vec<End> = done.into_iter().map(|(_, end)| end).collect();
        let (good, text) = outcome(&ends, &[413, 503], begun);
        // What is in the sockets' buffers counts as taken.
        outcomes.push((good && most < 40, format!("{what}: {text}, at most {most} MiB taken")));
    }
    Ok(outcomes)
}

fn gzip(plain: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    Ok(encoder.finish()?)
}

/// A gzip member of nothing but empty blocks that never ends.
fn blocks(bytes: usize) -> Vec<u8> {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [head.as_slice(), &[0, 0, 0, 0xff, 0xff].repeat(bytes / 5)].concat()
}

async fn bombs(target: &Target<'_>) -> Outcomes {
    // gzip allows members one after the other, so a small one makes a bomb of any size.
    let member = gzip(&vec![b' '; 10 << 20])?;
    let times = |bytes: usize, member: &[u8]| member.repeat((bytes / member.len()).max(1));
    let mib = usize::try_from(MIB)?;
    let kinds = [
        ("10 MiB that become 10 GiB", times(10 * mib, &member), [413_u16].as_slice()),
        ("just under 4 MiB that become 4 GiB", times(4 * mib - 1, &member), &[413]),
        ("just under 4 MiB of empty members", times(4 * mib - 1, &gzip(b"")?), &[400]),
        ("just under 4 MiB of empty blocks", blocks(4 * mib - 100), &[400]),
    ];
    let mut outcomes = Vec::new();
    for (what, body, statuses) in kinds {
        let begun = Instant::now();
        let head = push_head(target, &format!("content-encoding: gzip\r\ncontent-length: {}\r\n", body.len()));
        let bombs = (0..4).map(|_| raw::pour(target.http, &head, &body, body.len() as u64, AT_ONCE));
        let ends: Vec<End> = try_join_all(bombs).await?.into_iter().map(|(_, end)| end).collect();
        let (good, text) = outcome(&ends, statuses, begun);
        outcomes.push((good, format!("{what}: {text}")));
    }
    Ok(outcomes)
}

async fn deep(target: &Target<'_>) -> Outcomes {
    let mut outcomes = Vec::new();
    for (what, body) in [("arrays", "[".repeat(100_000)), ("objects", "{\"order\":".repeat(100_000))] {
        let begun = Instant::now();
        let head = push_head(target, &format!("content-length: {}\r\n", body.len()));
        let pours = (0..20).map(|_| raw::pour(target.http, &head, body.as_bytes(), body.len() as u64, AT_ONCE));
        let ends: Vec<End> = try_join_all(pours).await?.into_iter().map(|(_, end)| end).collect();
        let good = ends.iter().all(|end| *end == End::Answered(400));
        outcomes.push((good, format!("{what}: {} within {}", count(&ends), ms(begun.elapsed()))));
    }
    Ok(outcomes)
}

async fn headers(target: &Target<'_>) -> Outcomes {
    let mut outcomes = Vec::new();
    let many: String = (0..10_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x-long: {}\r\n", "y".repeat(1 << 20));
    for (what, more) in [("many", many), ("long", long)] {
        let begun = Instant::now();
        let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{more}\r\n");
        let pours = (0..20).map(|_| raw::pour(target.http, "", head.as_bytes(), head.len() as u64, AT_ONCE));
        let ends: Vec<End> = try_join_all(pours).await?.into_iter().map(|(_, end)| end).collect();
        let (good, text) = outcome(&ends, &[400, 431], begun);
        outcomes.push((good, format!("{what}: {text}")));
    }
    Ok(outcomes)
}

async fn garbage(target: &Target<'_>) -> Outcomes {
    let begun = Instant::now();
    let good = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50);
    let one = || async {
        let mut socket = TcpStream::connect(target.http).await?;
        socket.write_all(&good).await?;
        socket.write_all(b"\x00\xff\x16\x03\x01 garbage \r\n\r\n").await?;
        let text = raw::drain(&mut socket, AT_ONCE).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let answered = text.matches("HTTP/1.1 200").count();
        let refused = text.matches("HTTP/1.1 400").count();
        anyhow::Ok((answered, refused))
    };
    let all = try_join_all((0..20).map(|_| one())).await?;
    let good = all.iter().all(|(answered, _)| *answered == 50);
    Ok(vec![(good, format!("(answered, refused) {:?} on each of 20, within {}", all[0], ms(begun.elapsed())))])
}

/// Writes as long as the other end takes it, and reads what it says. How many pieces were taken, and whether it was cut.
async fn flood(
    target: &Target<'_>,
    first: &[u8],
    pieces: impl Iterator<Item = Vec<u8>>,
) -> anyhow::Result<(usize, bool)> {
    let socket = TcpStream::connect(target.http).await?;
    let (mut reader, mut writer) = socket.into_split();
    let closed = tokio::spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(1..) = reader.read(&mut buffer).await {}
    });
    writer.write_all(first).await?;
    let mut taken = 0;
    for piece in pieces {
        if closed.is_finished() || writer.write_all(&piece).await.is_err() {
            break;
        }
        taken += 1;
    }
    // What was taken last may be what it is cut for.
    let cut = tokio::time::timeout(target.patience(), closed).await.is_ok();
    Ok((taken, cut))
}

async fn resets(target: &Target<'_>) -> Outcomes {
    let mut outcomes = Vec::new();
    let total: u32 = if target.long { 1_000_000 } else { 100_000 };
    for path in ["/v1/auth/jwks", "/v1/orders/x"] {
        let begun = Instant::now();
        let pieces = (0..total / 100).map(|n| raw::resets(path, n * 200 + 1, 100));
        let (taken, cut) = flood(target, raw::PREFACE, pieces).await?;
        let how = if cut { "then cut" } else { "all taken, not cut" };
        outcomes.push((
            begun.elapsed() < Duration::from_secs(60),
            format!("{path}: {} of {total} resets taken, {how}, within {}", taken * 100, ms(begun.elapsed())),
        ));
    }
    Ok(outcomes)
}

async fn endless(target: &Target<'_>) -> Outcomes {
    let begun = Instant::now();
    let (begin, more) = raw::endless_headers("/v1/orders/x");
    let first = [raw::PREFACE, &begin].concat();
    let (taken, cut) = flood(target, &first, std::iter::repeat_n(more.clone(), 20_000)).await?;
    let mib = (taken * more.len()) as u64 / MIB;
    Ok(vec![(cut, format!("{mib} MiB of headers taken, cut: {cut}, within {}", ms(begun.elapsed())))])
}

async fn messages(target: &Target<'_>) -> Outcomes {
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", target.grpc))?.connect().await?;
    let mut outcomes = Vec::new();
    for mib in [9_usize, 64] {
        let begun = Instant::now();
        let request = PushOrderRequest { request_id: "x".repeat(mib << 20), ..PushOrderRequest::default() };
        let mut client = IntakeServiceClient::new(channel.clone()).max_encoding_message_size(1 << 30);
        let mut request = tonic::Request::new(request);
        request.metadata_mut().insert("authorization", format!("Bearer {}", target.token()?).parse()?);
        let answer = tokio::time::timeout(AT_ONCE, client.push_order(request)).await;
        let code = answer.map(|answer| answer.map(drop).map_err(|status| status.code()));
        let refused = matches!(
            code,
            Ok(Err(tonic::Code::OutOfRange | tonic::Code::ResourceExhausted | tonic::Code::Unavailable))
        );
        outcomes.push((refused, format!("{mib} MiB: {code:?} within {}", ms(begun.elapsed()))));
    }
    Ok(outcomes)
}

async fn unread(target: &Target<'_>) -> Outcomes {
    let begun = Instant::now();
    let one = || async {
        let mut socket = TcpStream::connect(target.http).await?;
        let asking =
            async { while socket.write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok() {} };
        let bound = target.patience() + Duration::from_secs(6);
        anyhow::Ok(if tokio::time::timeout(bound, asking).await.is_ok() { End::Cut } else { End::Open })
    };
    let ends = try_join_all((0..20).map(|_| one())).await?;
    Ok(vec![outcome(&ends, &[], begun)])
}

/// As many as one caller may have, and some more. They are open while the normal shop works, and left open.
async fn streams(target: &Target<'_>) -> Outcomes {
    let begun = Instant::now();
    let mut sockets = raw::connect(target.http, 60).await?;
    let request = format!(
        "GET /v1/orders/{}:watch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        target.order_id,
        target.token()?
    );
    for socket in &mut sockets {
        socket.write_all(request.as_bytes()).await?;
    }
    let ends = join_all(sockets.iter_mut().map(|socket| raw::end(socket, AT_ONCE))).await;
    let open = ends.iter().filter(|end| **end == End::Answered(200)).count();
    let refused = ends.iter().filter(|end| **end == End::Answered(429)).count();
    let outcome = (open == 50 && refused == 10, format!("{} within {}", count(&ends), ms(begun.elapsed())));
    tokio::time::sleep(Duration::from_secs(if target.long { 30 } else { 2 })).await;
    Ok(vec![outcome])
}
