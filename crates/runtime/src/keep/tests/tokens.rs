//! Tokens by key: the same within a person or a run, different elsewhere, and gone with the key.

use super::*;

/// What somebody would try.
const DICTIONARY: [&str; 4] = ["078-05-1120", "219-09-9999", "Ann Canary", "yes, I agree"];

struct Bench {
    sealer: PayloadSealer,
    book: Arc<MemoryKeyBook>,
}

fn bench() -> Bench {
    let entropy = Arc::new(SeededEntropy::new(7));
    let book = Arc::new(MemoryKeyBook::default());
    let keys = Arc::new(Keys::new(KeysParts {
        provider: Arc::new(FileKeys::ephemeral(entropy.clone()).unwrap()),
        book: book.clone(),
        environment: place(1).environment,
        entropy: entropy.clone(),
        clock: Arc::new(SystemClock),
        holders: Vec::new(),
    }));
    Bench {
        sealer: PayloadSealer::new(keys, entropy),
        book,
    }
}

fn place(run: u8) -> Place {
    Place {
        tenant: TenantName::parse("default").unwrap(),
        environment: EnvironmentName::parse("test").unwrap(),
        run: RunId::from_bytes([run; 16]),
        payload: PayloadId::from_bytes([run; 16]),
        slot: "input".to_owned(),
    }
}

fn terms(subjects: &[u8]) -> Terms {
    Terms {
        class: "default".to_owned(),
        at: Timestamp::from_micros(1_795_219_199_999_999),
        subjects: subjects
            .iter()
            .map(|n| SubjectId::from_bytes([*n; 16]))
            .collect(),
    }
}

async fn keys(bench: &Bench, run: u8, subjects: &[u8]) -> MarkKeys {
    let terms = terms(subjects);
    let by = MarkedBy::Terms(&terms);
    bench.sealer.mark_keys(&place(run), by).await.unwrap()
}

fn tokens(keys: &MarkKeys) -> BTreeSet<String> {
    let secret = secret(&json!(DICTIONARY[0])).unwrap();
    keys.links.iter().map(|key| token(key, &secret)).collect()
}

#[tokio::test]
async fn a_persons_values_are_linked_across_runs_and_to_nobody_elses() {
    let bench = bench();
    let ann = tokens(&keys(&bench, 1, &[1]).await);
    assert_eq!(ann.len(), 1);
    assert_eq!(tokens(&keys(&bench, 2, &[1]).await), ann, "another run");
    let bo = tokens(&keys(&bench, 1, &[2]).await);
    assert!(ann.is_disjoint(&bo), "another person");
    let both = tokens(&keys(&bench, 3, &[1, 2]).await);
    assert_eq!(both, ann.union(&bo).cloned().collect());
    let nobody = tokens(&keys(&bench, 1, &[]).await);
    assert!(nobody.len() == 2 && nobody.is_disjoint(&both));
    assert_eq!(
        nobody
            .intersection(&tokens(&keys(&bench, 2, &[]).await))
            .count(),
        1
    );
}

#[tokio::test]
async fn without_the_persons_key_no_dictionary_makes_the_tokens_again() {
    let bench = bench();
    let (place, terms) = (place(1), terms(&[1]));
    let sealed = bench.sealer.seal(&place, &terms, b"{}").await.unwrap();
    let written = tokens(&keys(&bench, 1, &[1]).await);
    // Other keys of every sort, which stay.
    for (run, subjects) in [(1, &[][..]), (2, &[]), (2, &[2])] {
        keys(&bench, run, subjects).await;
    }
    let gone = KeyName::subject(SubjectId::from_bytes([1; 16]));
    let tenant = place.tenant.clone();
    bench.book.destroy(&tenant, &gone).await.unwrap();
    let by = MarkedBy::Header(&sealed.header);
    let refused = bench.sealer.mark_keys(&place, by).await;
    assert!(matches!(refused, Err(SealFault::Gone(_))));
    let mut left = Vec::new();
    for (run, subjects) in [(1, &[][..]), (2, &[]), (1, &[2]), (2, &[2])] {
        left.extend(keys(&bench, run, subjects).await.links);
    }
    for word in DICTIONARY {
        let secret = secret(&json!(word)).unwrap();
        for key in &left {
            assert!(!written.contains(&token(key, &secret)), "{word}");
        }
    }
    // A key that is made anew under the same name is another key.
    assert!(written.is_disjoint(&tokens(&keys(&bench, 1, &[1]).await)));
}
