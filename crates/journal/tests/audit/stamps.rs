//! Time stamps that `openssl ts` makes, held to what they stamp. Their signatures are openssl's to check; here it is
//! asked that a real response is read, and that one over anything else is found.

use std::path::Path;
use std::process::Command;

use interlock_journal::audit::Finding;

use super::{check_broken, check_honest, look, trusting};
use crate::forge::*;

const CONFIGURATION: &str = "\
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
digests = sha256, sha384, sha512, sha1
accuracy = secs:1
";

fn openssl(folder: &Path, words: &str) -> Result<(), String> {
    let output = Command::new("openssl")
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .map_err(|fault| format!("openssl cannot be started: {fault}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or(said)
}

/// An authority's response over bytes, as a response or as the bare token in it.
fn stamp(folder: &Path, bytes: &[u8], digest: &str, token: &str) -> Vec<u8> {
    std::fs::write(folder.join("file"), bytes).unwrap();
    let query = format!("ts -query -data file -{digest} -cert -out query.tsq");
    openssl(folder, &query).unwrap();
    let reply = format!(
        "ts -reply -config tsa.cnf -section one -queryfile query.tsq -inkey key.pem -signer cert.pem{token} -out reply.tsr"
    );
    openssl(folder, &reply).unwrap();
    std::fs::read(folder.join("reply.tsr")).unwrap()
}

#[test]
#[ignore = "needs openssl"]
fn stranger_openssl_s_time_stamps_are_held_to_what_they_stamp() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if let Err(why) = openssl(folder, "version") {
        println!("skipped: {why}");
        return;
    }
    std::fs::write(folder.join("tsa.cnf"), CONFIGURATION).unwrap();
    std::fs::write(folder.join("serial"), "01\n").unwrap();
    openssl(
        folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 30 \
         -config tsa.cnf",
    )
    .unwrap();
    let pen = honest();
    let published = publish(&pen.entries, &log_key());
    let note = published.0["checkpoint"].clone();
    let path = format!("anchors/{:020}.tsr", pen.entries.len());
    let with = |stamp: Vec<u8>| {
        let mut files = published.clone();
        files.0.insert(path.clone(), stamp);
        files
    };
    for digest in ["sha256", "sha384", "sha512"] {
        for token in ["", " -token_out"] {
            let reply = stamp(folder, &note, digest, token);
            let report = check_honest(&with(reply), &trusting());
            let said = report.anchors.text();
            let size = format!("the last over size {}", pen.entries.len());
            assert!(said.contains(&size), "{digest}{token} {said}");
        }
    }
    // Over another file; and by a digest that proves nothing any more.
    let other = stamp(folder, b"another file", "sha256", "");
    check_broken(&look(&with(other), &trusting()), &[("anchors", None)]);
    let weak = stamp(folder, &note, "sha1", "");
    let report = look(&with(weak), &trusting());
    assert!(matches!(report.anchors, Finding::CannotTell { .. }));
    // Cut anywhere, it is none.
    let reply = stamp(folder, &note, "sha256", "");
    let mut small = Pen::default();
    small.open();
    let mut files = publish(&small.entries, &log_key());
    for end in 0..reply.len() {
        files.0.insert(path.clone(), reply[..end].to_vec());
        let report = look(&files, &trusting());
        assert!(
            matches!(report.anchors, Finding::CannotTell { .. }),
            "{end}"
        );
    }
    // And the authority's own program accepts what was accepted here.
    std::fs::write(folder.join("file"), &note).unwrap();
    std::fs::write(folder.join("kept.tsr"), &reply).unwrap();
    openssl(
        folder,
        "ts -verify -data file -in kept.tsr -CAfile cert.pem",
    )
    .unwrap();
}
