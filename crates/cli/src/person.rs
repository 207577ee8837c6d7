//! Who sits at the terminal: the operating system's user, by number and by the name that the system's own table gives.

use crate::exit::Failure;

/// The user's name; the number where the table has none.
pub(crate) fn user() -> Result<String, Failure> {
    let uid = rustix::process::getuid().as_raw();
    let table = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number = fields.nth(1)?;
        (number.parse::<u32>() == Ok(uid)).then(|| name.to_owned())
    });
    Ok(named.unwrap_or_else(|| format!("uid-{uid}")))
}

/// The directory that holds data unless told otherwise.
pub(crate) fn data_dir() -> Result<std::path::PathBuf, Failure> {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| {
        Failure::usage(
            "failed to find a home directory",
            "name a directory: --data-dir DIR",
        )
    })?;
    Ok(home.join(".local/share/interlock"))
}
