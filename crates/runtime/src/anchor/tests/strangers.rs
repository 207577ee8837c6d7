//! A real witness, a bucket of an emulator and a real timestamp authority, each somebody else's software on loopback.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use interlock_core::time::Timestamp;
use interlock_journal::note::VerifierKey;

use super::super::{Alarm, Told, cosigned, kept, token_over};
use super::world::{ORIGIN, World, anchor};
use crate::clock::{Clock as _, SystemClock};
use crate::config::AnchorKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A program of others, by its file in the directory that scripts/strangers made; `None` where it could not be had.
fn tool(name: &str) -> Option<PathBuf> {
    let dir = std::env::var_os("INTERLOCK_STRANGERS").map(PathBuf::from);
    let dir = dir.expect("INTERLOCK_STRANGERS names what scripts/strangers made");
    let missing = std::fs::read_to_string(dir.join("missing")).unwrap_or_default();
    if missing.lines().any(|line| line == name) {
        println!("passed over: `{name}` could not be installed here");
        return None;
    }
    let path = dir.join("bin").join(name);
    assert!(
        path.is_file(),
        "`{name}` is not installed: run scripts/strangers"
    );
    Some(path)
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn listening(port: u16) {
    for _attempt in 0..300 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing listens on {port}");
}

struct Witness {
    program: PathBuf,
    config: PathBuf,
    url: String,
    key: VerifierKey,
    _dir: tempfile::TempDir,
    _running: Running,
}

impl Witness {
    /// A witness that knows the log.
    async fn start(log: &VerifierKey) -> Option<Self> {
        let program = tool("aics-witness")?;
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("witness.json");
        let port = free_port();
        let run = |words: &[&str]| {
            let mut command = Command::new(&program);
            command
                .arg(words[0])
                .arg("--config")
                .arg(&config)
                .args(&words[1..]);
            command
        };
        let listen = format!("127.0.0.1:{port}");
        let key = said(&mut run(&[
            "init",
            "--name",
            "witness.example.org/w1",
            "--listen",
            &listen,
        ]));
        said(&mut run(&[
            "add-log",
            "--origin",
            ORIGIN,
            "--vkey",
            &log.to_string(),
        ]));
        let serving = run(&["serve", "--log-level", "ERROR"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let running = Running(serving.unwrap());
        listening(port).await;
        Some(Self {
            url: format!("http://127.0.0.1:{port}"),
            key: VerifierKey::parse(key.trim()).unwrap(),
            program,
            config,
            _dir: dir,
            _running: running,
        })
    }

    async fn sees(&self, world: &World) -> Told {
        // Its clock is the machine's.
        world.clock.set(SystemClock.now());
        let kind = AnchorKind::Witness {
            key: self.key.clone(),
        };
        world.told(anchor("w", &self.url, kind)).await
    }

    /// The requests that it kept against the log.
    fn evidence(&self) -> Vec<serde_json::Value> {
        let text = said(
            Command::new(&self.program)
                .arg("evidence")
                .arg("--config")
                .arg(&self.config),
        );
        serde_json::from_str(&text).unwrap()
    }
}

#[tokio::test]
#[ignore = "needs a witness: scripts/strangers"]
async fn stranger_witness_cosigns_honest_growth() {
    let world = World::new();
    let Some(witness) = Witness::start(&world.vkey()).await else {
        return;
    };
    for (entries, size) in [(1, 1), (1, 2), (254, 256), (1, 257), (300, 557)] {
        world.grow(entries, 1).await;
        assert_eq!(witness.sees(&world).await, Told::Anchored { size });
        // The same size again is cosigned again.
        assert_eq!(witness.sees(&world).await, Told::Anchored { size });
        let note = cosigned(&world.engine, size).await.unwrap().unwrap();
        let keys = [world.vkey(), witness.key.clone()];
        let opened = interlock_journal::checkpoint::open(&note, ORIGIN, &keys).unwrap();
        assert_eq!(
            (opened.checkpoint.size, opened.cosignatures.len()),
            (size, 1)
        );
    }
    // A log that forgot how far the witness is asks it, and goes on from there.
    let forgetful = World::of(557, 1).await;
    forgetful.grow(3, 1).await;
    assert_eq!(witness.sees(&forgetful).await, Told::Anchored { size: 560 });
    assert!(witness.evidence().is_empty());
}

#[tokio::test]
#[ignore = "needs a witness: scripts/strangers"]
async fn stranger_witness_refuses_attack_06_and_17_an_older_log_put_back() {
    let world = World::of(300, 1).await;
    let Some(witness) = Witness::start(&world.vkey()).await else {
        return;
    };
    witness.sees(&world).await;
    let restored = World::of(200, 1).await;
    assert_eq!(witness.sees(&restored).await, Told::Alarm(Alarm::Rollback));
    // Other entries since, and past what the witness saw: another history, signed by the log's own key.
    restored.grow(150, 2).await;
    assert_eq!(witness.sees(&restored).await, Told::Alarm(Alarm::Fork));
    assert_eq!(restored.status("w").await.alarm, Some(Alarm::Fork));
    assert_eq!(
        witness.evidence().len(),
        1,
        "the witness kept the request against the log"
    );
    // The honest log goes on.
    world.grow(1, 1).await;
    assert_eq!(witness.sees(&world).await, Told::Anchored { size: 301 });
}

#[tokio::test]
#[ignore = "needs a witness: scripts/strangers"]
async fn stranger_witness_refuses_attack_15_and_16_rewritten_and_forked() {
    let world = World::of(300, 1).await;
    let Some(witness) = Witness::start(&world.vkey()).await else {
        return;
    };
    witness.sees(&world).await;
    assert_eq!(
        witness.sees(&World::of(400, 2).await).await,
        Told::Alarm(Alarm::Fork)
    );
    assert_eq!(
        witness.sees(&World::of(300, 2).await).await,
        Told::Alarm(Alarm::Fork)
    );
    let forked = witness.evidence();
    assert!(forked.len() >= 2, "{forked:?}");
    assert!(forked.iter().all(|one| one["origin"] == ORIGIN));
}

#[tokio::test]
#[ignore = "needs a witness: scripts/strangers"]
async fn stranger_witness_does_not_know_another_key() {
    let world = World::of(3, 1).await;
    let Some(witness) = Witness::start(&world.vkey()).await else {
        return;
    };
    let mut stranger = World::of(3, 1).await;
    stranger.origin = "log.example.org/other";
    stranger.grow(1, 1).await;
    assert_eq!(
        witness.sees(&stranger).await,
        Told::Failed("the witness does not know the log")
    );
}

/// Python with boto3 against the emulator, as its owner; what it prints.
fn owner(python: &Path, port: u16, script: &str) -> String {
    let start = format!(
        "import boto3, datetime\nfrom botocore.exceptions import ClientError\n\
         s3 = boto3.client('s3', endpoint_url='http://127.0.0.1:{port}', region_name='eu-central-1', \
         aws_access_key_id='AKIAIOSFODNN7EXAMPLE', aws_secret_access_key='secret')\n"
    );
    said(Command::new(python).arg("-c").arg(start + script))
}

#[tokio::test]
#[ignore = "needs an S3 emulator: scripts/strangers"]
async fn stranger_moto_s3_takes_a_checkpoint_once_and_keeps_it() {
    let (Some(moto), Some(python)) = (tool("moto_server"), tool("python")) else {
        return;
    };
    let port = free_port();
    let serving = Command::new(moto)
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _running = Running(serving.unwrap());
    listening(port).await;
    owner(
        &python,
        port,
        "s3.create_bucket(Bucket='audit', ObjectLockEnabledForBucket=True, CreateBucketConfiguration={'LocationConstraint': 'eu-central-1'})",
    );
    let world = World::of(5, 1).await;
    world.secret("bucket", "secret").await;
    let kind = AnchorKind::S3 {
        bucket: Some("audit".to_owned()),
        prefix: "checkpoints".to_owned(),
        region: "eu-central-1".to_owned(),
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret: interlock_core::id::SecretName::parse("bucket").unwrap(),
        retain_days: 30,
    };
    let bucket = anchor("bucket", &format!("http://127.0.0.1:{port}"), kind);
    assert_eq!(world.told(bucket.clone()).await, Told::Anchored { size: 5 });
    assert_eq!(world.told(bucket.clone()).await, Told::Anchored { size: 5 });
    let printed = owner(
        &python,
        port,
        "key = 'checkpoints/00000000000000000005'\n\
         o = s3.get_object(Bucket='audit', Key=key)\n\
         print(o['ObjectLockMode'], o['Body'].read().decode().split('\\n')[1])\n\
         try:\n    s3.put_object(Bucket='audit', Key=key, Body=b'x', IfNoneMatch='*')\n\
         except ClientError as e: print(e.response['Error']['Code'])\n\
         try:\n    s3.delete_object(Bucket='audit', Key=key, VersionId=o['VersionId'])\n\
         except ClientError as e: print(e.response['Error']['Code'])\n\
         print(len(s3.list_object_versions(Bucket='audit')['Versions']))\n",
    );
    assert_eq!(
        printed,
        "COMPLIANCE 5\nPreconditionFailed\nAccessDenied\n1\n"
    );
    // Another history of the same size does not replace it and is seen.
    let fork = World::of(5, 2).await;
    fork.secret("bucket", "secret").await;
    assert_eq!(fork.told(bucket).await, Told::Alarm(Alarm::Altered));
}

const AUTHORITY: &str = "\
[ req ]
distinguished_name = dn
prompt = no
x509_extensions = ext
[ dn ]
CN = Test authority
[ ext ]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[ tsa ]
default_tsa = one
[ one ]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
";

/// An authority of `openssl ts` in a directory of its own.
struct Authority(tempfile::TempDir);

impl Authority {
    fn new() -> Self {
        let authority = Self(tempfile::tempdir().unwrap());
        std::fs::write(authority.0.path().join("tsa.cnf"), AUTHORITY).unwrap();
        std::fs::write(authority.0.path().join("serial"), "01\n").unwrap();
        said(&mut authority.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 30 -config tsa.cnf"));
        authority
    }

    fn openssl(&self, words: &str) -> Command {
        let mut command = Command::new("openssl");
        command.args(words.split(' ')).current_dir(self.0.path());
        command
    }

    /// Answers one query over HTTP and is given back.
    async fn serve(self) -> (String, tokio::task::JoinHandle<Self>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tsr", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            let query = loop {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap();
                asked.extend_from_slice(&buffer[..read]);
                let end = asked.windows(4).position(|four| four == b"\r\n\r\n");
                // A query of ours has 69 bytes.
                if let Some(body) = end.and_then(|end| asked.get(end + 4..end + 73)) {
                    break body.to_vec();
                }
            };
            let reply = self.answers(&query);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                reply.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&reply).await.unwrap();
            self
        });
        (url, served)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
    }

    /// The reply to a query.
    fn answers(&self, query: &[u8]) -> Vec<u8> {
        self.write("query.tsq", query);
        said(&mut self.openssl("ts -reply -config tsa.cnf -section one -queryfile query.tsq -inkey key.pem -signer cert.pem -out reply.tsr"));
        std::fs::read(self.0.path().join("reply.tsr")).unwrap()
    }

    /// Whether a reply is a token of this authority over a file.
    fn verifies(&self, file: &[u8], reply: &[u8]) -> bool {
        self.write("file", file);
        self.write("kept.tsr", reply);
        let verified = self
            .openssl("ts -verify -data file -in kept.tsr -CAfile cert.pem")
            .output();
        verified.unwrap().status.success()
    }
}

#[tokio::test]
#[ignore = "needs openssl"]
async fn stranger_openssl_ts_accepts_the_token_and_no_other_file() {
    let authority = Authority::new();
    let world = World::of(5, 1).await;
    let note = world.publish().await.checkpoint;
    let (url, served) = authority.serve().await;
    let told = world.told(anchor("tsa", &url, AnchorKind::Timestamp)).await;
    let authority = served.await.unwrap();
    assert_eq!(told, Told::Anchored { size: 5 });
    let reply = kept(&world.engine, 5).await.unwrap().remove(0).bytes;
    assert!(token_over(&note, &reply).is_ok());
    assert!(authority.verifies(&note, &reply));
    // Attack 49: another file, another authority, a changed token.
    assert!(!authority.verifies(b"another file", &reply));
    assert!(!Authority::new().verifies(&note, &reply));
    let expired = "ts -verify -data file -in kept.tsr -CAfile cert.pem -attime 4102444800";
    assert!(authority.verifies(&note, &reply));
    assert!(
        !authority
            .openssl(expired)
            .output()
            .unwrap()
            .status
            .success(),
        "its certificate has expired by then"
    );
    let mut changed = reply.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert!(!authority.verifies(&note, &changed));
    // A clock set back (attack 53): the authority's time is too far from ours for the token to be taken.
    let world = World::of(5, 1).await;
    world.clock.set(Timestamp::from_micros(
        SystemClock.now().as_micros() - 700_000_000,
    ));
    let (url, served) = Authority::new().serve().await;
    let told = world.told(anchor("tsa", &url, AnchorKind::Timestamp)).await;
    served.await.unwrap();
    assert_eq!(
        told,
        Told::Failed("the authority's clock and ours lie far apart")
    );
}
