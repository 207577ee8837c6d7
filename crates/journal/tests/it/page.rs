//! The examples of `docs/journal-format.md`: a log with the page's entry alone, its key, its checkpoint and the
//! entry's receipt, as the page prints them.

use interlock_journal::{Receipt, SignedNote, VerifierKey, checkpoint};

use crate::written::{ORIGIN, Written};

/// The page's blocks between lines of three backticks.
fn blocks() -> Vec<String> {
    let page = include_str!("../../../../docs/journal-format.md");
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in page.lines() {
        if line.starts_with("```") {
            open = match open.take() {
                Some(block) => {
                    blocks.push(block);
                    None
                }
                None => Some(String::new()),
            };
        } else if let Some(block) = &mut open {
            *block += line;
            *block += "\n";
        }
    }
    blocks
}

fn block(start: &str) -> String {
    let found = blocks().into_iter().find(|block| block.starts_with(start));
    found.unwrap_or_else(|| panic!("no block begins with {start}"))
}

#[test]
fn the_page_s_log_is_what_this_crate_writes_and_reads() {
    let entry = block("{\"body\"");
    let entry = entry.trim_end();
    let mut log = Written::new(ORIGIN, 1);
    log.grow([entry.as_bytes().to_vec()]);
    let receipt = Receipt {
        index: 0,
        proof: Vec::new(),
        checkpoint: log.note(),
        extra: None,
    };
    let key = log.signer.key();
    assert_eq!(block("log.example/tenant+"), format!("{key}\n"));
    let note = block("log.example/tenant\n");
    assert_eq!(note.as_bytes(), log.note());
    let said = block("c2sp.org/tlog-proof@v1\nindex 0\n");
    assert_eq!(said.as_bytes(), receipt.encode());

    let key = VerifierKey::parse(&key.to_string()).unwrap();
    let opened = checkpoint::open(note.as_bytes(), ORIGIN, std::slice::from_ref(&key)).unwrap();
    assert_eq!(opened.checkpoint.size, 1);
    assert_eq!(
        SignedNote::parse(note.as_bytes())
            .unwrap()
            .signatures()
            .len(),
        1
    );
    let read = Receipt::parse(said.as_bytes()).unwrap();
    read.verify(entry.as_bytes(), ORIGIN, &[key]).unwrap();
}
