//! The command line: what is asked for, and the long-running commands.

mod brands;
mod drill;
mod keys;
mod load;
mod mail;
mod place;
mod proofs;
mod queues;
mod secrets;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use apropos_aws::{Clock, SecretError, StoreError};
use apropos_core::api_key::{KeyId, MalformedKeyId};
use apropos_core::brand::Brand;
use apropos_core::document::BrandDocument;
use apropos_core::ids::BrandId;
use jiff::Timestamp;
use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;
use thiserror::Error;
use tracing_subscriber::EnvFilter;

use crate::data_dir::DataDirError;
use crate::demo::{self, DemoError, DemoOptions};
use crate::load::{LoadError, LoadOptions};
use crate::mail_service::SendQuota;
use crate::mail_stand_in::{self, MailOptions, MailStandInError};
use crate::stack::{Stack, StackError, StackSettings};

const HELP: &str = "\
The whole of Apropos on one machine, in one process.

Usage: apropos-local demo [options]
       apropos-local serve [options]
       apropos-local mail [options]
       apropos-local load [options]
       apropos-local keys create --brand ID [options] PLACE
       apropos-local keys list --brand ID PLACE
       apropos-local keys revoke KEY_ID PLACE
       apropos-local brands put FILE PLACE
       apropos-local brands get --brand ID PLACE
       apropos-local queues list --stack NAME [--region R] [--endpoint-url U]
       apropos-local queues show --stack NAME --queue Q [--region R] [--endpoint-url U]
       apropos-local queues redrive --stack NAME --queue Q [--reason R] [--limit N] [--region R] [--endpoint-url U]
       apropos-local secrets rotate-link-keys --secret ARN [--region R] [--endpoint-url U]
       apropos-local restore-drill export FILE PLACE
       apropos-local restore-drill replay FILE [--pepper-secret ARN] PLACE
       apropos-local ledger verify FILE
       apropos-local receipt verify FILE --key FILE

demo    Load the demo brands, take their campaigns through, print the outcome and go on serving.
  --once           End after printing
  --json           With --once: one JSON object a campaign on standard output, all else on standard error
  --customers N    How many customers to make (2000)
  --seed N         Another number makes other customers (1)

serve   Serve what is in the data directory, or nothing yet.
  --brand FILE     Store the brand settings in this JSON file and print a new API key; may be repeated

mail    Stand in for SES alone, for functions that run elsewhere.
  --domain NAME    A domain that may send; may be repeated
  --configuration-set NAME
                   A configuration set that exists; may be repeated
  --outbox DIR     Write messages there as .eml files

serve and mail:
  --rate N         How many messages a second the account may send (no bound)
  --quota N        How many in 24 hours (no bound)

load    Take campaigns for many customers through a stack of its own, print what each decision and each send took, and
        fail if a budget is exceeded.
  --customers N    How many customers, spread over France (100000)
  --sends N        How many messages to send (2000)
  --seed N         Another number makes other customers (1)
  --json           One JSON object a phase, a budget and the summary

demo, serve and mail:
  --port N         Where to answer on 127.0.0.1; 0 for any free port (9000)

demo and serve:
  --data DIR       Keep the data in this directory between runs (in memory)

keys    Make, list and revoke API keys. A new key is printed once, alone on standard output.
  --scopes A,B     What it allows: consents:write, context:write, campaigns:write, campaigns:read, relevance:read (all)
  --expires TIME   When it ends, such as 2027-01-01T00:00:00Z (never)

brands  Store the settings of a brand from a JSON file, or print them.

queues  How much waits in the queues of a stack on AWS and how much is dead, why (without what is in it), and back to work.
  --queue Q        pages, sends or feedback
  --reason R       Only what was parked for this reason, as show tells it
  --limit N        At most so many (1000)

secrets Add a key to the ring that signs the links in messages; the former keys go on verifying.

restore-drill
        Export what a restore must not undo, erasures and suppressions; replay it on restored tables before they see
        traffic.
  --pepper-secret ARN
                   The secret that holds the pepper of a stack on AWS (APROPOS_PEPPER_SECRET, or the pepper itself in
                   APROPOS_PEPPER)

ledger  Check a consent ledger that a person downloaded: its chain, and each event against its commitment.

receipt Check signed consent receipts against a public key (GET /.well-known/apropos-receipt-key).

PLACE is one of:
  --data DIR                The data directory of a stack on this machine, serving or not
  --table-prefix PREFIX     The tables on AWS whose names begin so, in --region R, at --endpoint-url U. Credentials,
                            region and endpoint come from where the AWS command line finds them (AWS_PROFILE,
                            AWS_REGION, AWS_ENDPOINT_URL, ...), but a profile that signs in (SSO) or runs a program
                            must be exported first: eval \"$(aws configure export-credentials --format env)\"

  -h, --help       Print this
";

/// Runs what the process's arguments ask for: 0 when done, 1 when it failed, 2 when the arguments are not understood.
pub async fn main() -> ExitCode {
    let command = match parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            complain(&error);
            say_on(&mut io::stderr(), "Try 'apropos-local --help'.");
            return ExitCode::from(2);
        }
    };
    start_logs();
    let ended = match command {
        Command::Help => {
            let _ = io::stdout().write_all(HELP.as_bytes());
            Ok(())
        }
        Command::Demo(options) => demo::run(options).await.map_err(CommandError::Demo),
        Command::Serve(options) => serve(options).await,
        Command::Mail(options) => mail_stand_in::run(options).await.map_err(CommandError::Mail),
        Command::Load(options) => load::run(options).await,
        Command::Keys(asked) => keys::run(asked).await,
        Command::Brands(asked) => brands::run(asked).await,
        Command::Queues(asked) => queues::run(asked).await,
        Command::Secrets(asked) => secrets::run(asked).await,
        Command::Drill(asked) => drill::run(asked).await,
        Command::Proofs(asked) => proofs::run(asked),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Demo(DemoOptions),
    Serve(ServeOptions),
    Mail(MailOptions),
    Load(LoadOptions),
    Keys(keys::Keys),
    Brands(brands::Brands),
    Queues(queues::Queues),
    Secrets(secrets::Secrets),
    Drill(drill::Drill),
    Proofs(proofs::Proofs),
}

#[derive(Debug, Default, PartialEq, Eq)]
struct ServeOptions {
    port: Option<u16>,
    data: Option<PathBuf>,
    brands: Vec<PathBuf>,
    quota: SendQuota,
}

/// Why the arguments were not understood.
#[derive(Debug, Error)]
enum UsageError {
    #[error("a command is missing: {COMMANDS}")]
    NoCommand,
    #[error("there is no command '{0}': it is {COMMANDS}")]
    UnknownCommand(String),
    #[error("{0} what: {1}")]
    NoAct(&'static str, &'static str),
    #[error("{0} cannot '{1}': it is {2}")]
    UnknownAct(&'static str, String, &'static str),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{option} {problem}")]
    Refused { option: &'static str, problem: String },
    #[error("the key's id {MalformedKeyId}")]
    KeyId,
    #[error("it is not said where: --data DIR or --table-prefix PREFIX")]
    NoPlace,
    #[error("--data and --table-prefix are two places")]
    TwoPlaces,
    #[error("{0} needs --table-prefix")]
    OnAwsOnly(&'static str),
    #[error("--json needs --once")]
    JsonWithoutOnce,
    #[error("--customers must be from 1 to {MOST_CUSTOMERS}")]
    Customers,
    #[error("--sends must be from 1 to {MOST_CUSTOMERS}")]
    Sends,
    #[error("{0}")]
    Argument(lexopt::Error),
}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self::Argument(error)
    }
}

/// Why a command failed.
#[derive(Debug, Error)]
enum CommandError {
    #[error("the demo ended early")]
    Demo(#[source] DemoError),
    #[error("the stand-in for SES ended early")]
    Mail(#[source] MailStandInError),
    #[error("the load ended early")]
    Load(#[from] LoadError),
    #[error("a budget was exceeded")]
    OverBudget,
    #[error("the export could not be read")]
    Drill(#[from] drill::ForeignLine),
    #[error("the proof does not hold")]
    Proof(#[from] proofs::ProofError),
    #[error("the pepper is not known: give --pepper-secret, or set APROPOS_PEPPER_SECRET or APROPOS_PEPPER")]
    NoPepper,
    #[error("the stack failed")]
    Stack(#[from] StackError),
    #[error("the data directory could not be used")]
    Data(#[from] DataDirError),
    #[error("the queues did not answer")]
    Queues(#[source] Box<aws_sdk_sqs::Error>),
    #[error("there is no queue {0} there")]
    UnknownQueue(String),
    #[error("the tables did not answer")]
    Tables(#[from] StoreError),
    #[error("no region is known: give --region, or set AWS_REGION")]
    NoRegion,
    #[error("no AWS credentials were found; for a profile that signs in or runs a program, first run: {EXPORT}")]
    NoCredentials(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    #[error("the key would have expired before it is made: it is {now} there")]
    AlreadyExpired { now: Timestamp },
    #[error("there is no key {0}")]
    UnknownKey(KeyId),
    #[error("{0} has no settings there")]
    UnknownBrand(BrandId),
    #[error("the pepper could not be read")]
    Pepper(#[source] SecretError),
    #[error("the ring of link keys was not changed")]
    Secret(#[from] SecretError),
    #[error("the system gives no random bytes")]
    Random(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the settings could not be written")]
    Written(#[source] serde_json::Error),
    #[error("{} could not be read", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} could not be written", path.display())]
    Unwritten {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} does not hold the settings of a brand", path.display())]
    Brand {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

const COMMANDS: &str = "demo, serve, mail, load, keys, brands, queues, secrets, restore-drill, ledger or receipt";
const EXPORT: &str = "eval \"$(aws configure export-credentials --format env)\"";
const DEFAULT_PORT: u16 = 9_000;
const DEFAULT_CUSTOMERS: u32 = 2_000;
const MOST_CUSTOMERS: u32 = 10_000_000;

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut parser = lexopt::Parser::from_args(arguments);
    match parser.next()? {
        None => Err(UsageError::NoCommand),
        Some(Long("help") | Short('h')) => Ok(Command::Help),
        Some(Value(name)) if name == "demo" => parse_demo(parser),
        Some(Value(name)) if name == "serve" => parse_serve(parser),
        Some(Value(name)) if name == "mail" => mail::parse(parser),
        Some(Value(name)) if name == "load" => load::parse(parser),
        Some(Value(name)) if name == "keys" => keys::parse(parser),
        Some(Value(name)) if name == "brands" => brands::parse(parser),
        Some(Value(name)) if name == "queues" => queues::parse(parser),
        Some(Value(name)) if name == "secrets" => secrets::parse(parser),
        Some(Value(name)) if name == "restore-drill" => drill::parse(parser),
        Some(Value(name)) if name == "ledger" => proofs::parse_ledger(parser),
        Some(Value(name)) if name == "receipt" => proofs::parse_receipt(parser),
        Some(Value(name)) => Err(UsageError::UnknownCommand(name.to_string_lossy().into_owned())),
        Some(other) => Err(other.unexpected().into()),
    }
}

fn parse_demo(mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let mut options = DemoOptions {
        once: false,
        json: false,
        port: DEFAULT_PORT,
        customers: DEFAULT_CUSTOMERS,
        data: None,
        seed: 1,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("once") => options.once = true,
            Long("json") => options.json = true,
            Long("port") => options.port = parser.value()?.parse()?,
            Long("customers") => options.customers = parser.value()?.parse()?,
            Long("data") => options.data = Some(parser.value()?.into()),
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(Command::Help),
            Long(_) | Short(_) | Value(_) => return Err(argument.unexpected().into()),
        }
    }
    if options.json && !options.once {
        return Err(UsageError::JsonWithoutOnce);
    }
    if !(1..=MOST_CUSTOMERS).contains(&options.customers) {
        return Err(UsageError::Customers);
    }
    Ok(Command::Demo(options))
}

fn parse_serve(mut parser: lexopt::Parser) -> Result<Command, UsageError> {
    let mut options = ServeOptions {
        port: Some(DEFAULT_PORT),
        ..ServeOptions::default()
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => options.port = Some(parser.value()?.parse()?),
            Long("data") => options.data = Some(parser.value()?.into()),
            Long("brand") => options.brands.push(parser.value()?.into()),
            Long("rate") => options.quota.max_per_second = parser.value()?.parse()?,
            Long("quota") => options.quota.max_24_hour = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(Command::Help),
            Long(_) | Short(_) | Value(_) => return Err(argument.unexpected().into()),
        }
    }
    Ok(Command::Serve(options))
}

/// A brand's id, as an option's value.
fn parse_brand(parser: &mut lexopt::Parser) -> Result<BrandId, UsageError> {
    BrandId::new(place::text(parser)?).map_err(|error| UsageError::Refused {
        option: "--brand",
        problem: error.to_string(),
    })
}

async fn serve(options: ServeOptions) -> Result<(), CommandError> {
    let outbox = options.data.as_ref().map(|data| data.join("outbox"));
    let mut stack = Stack::start(StackSettings {
        port: options.port,
        data: options.data,
        outbox,
        // A manual clock that follows the machine's, so that it can also be moved on to where a demo left its data.
        clock: Clock::manual(Clock::system().now()),
    })
    .await?;
    stack.mails().set_quota(options.quota);
    for path in options.brands {
        let (brand, settings) = read_brand(path)?;
        stack.put_brand(&settings).await?;
        let key = stack.create_key(&brand.id).await?;
        say(&format!("{}: API key {key}", brand.id));
    }
    stack.work_in_background();
    say(&format!(
        "Serving on {0}, inbox on {0}/inbox. Ctrl-C ends it.",
        stack.url()
    ));
    until_interrupted().await;
    Ok(stack.stop().await?)
}

/// The text of a file.
fn read_file(path: PathBuf) -> Result<String, CommandError> {
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(source) => Err(CommandError::File { path, source }),
    }
}

/// The settings of a brand in a file, checked.
fn read_brand(path: PathBuf) -> Result<(Brand, BrandDocument), CommandError> {
    let text = read_file(path.clone())?;
    let settings: BrandDocument = match serde_json::from_str(&text) {
        Ok(settings) => settings,
        Err(error) => {
            return Err(CommandError::Brand {
                path,
                source: Box::new(error),
            });
        }
    };
    match Brand::try_from(&settings) {
        Ok(brand) => Ok((brand, settings)),
        Err(error) => Err(CommandError::Brand {
            path,
            source: Box::new(error),
        }),
    }
}

/// Waits for Ctrl-C. Where the system cannot tell of it, waits for ever: the process is then ended from outside.
pub(crate) async fn until_interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C is not heard");
        std::future::pending::<()>().await;
    }
}

/// Writes a line to standard output; when nobody reads it any more, there is nobody to tell.
pub(crate) fn say(line: &str) {
    say_on(&mut io::stdout(), line);
}

/// Writes a line to standard error, which is for people.
fn note(line: &str) {
    say_on(&mut io::stderr(), line);
}

/// Writes a line to any output.
pub(crate) fn say_on(output: &mut dyn io::Write, line: &str) {
    let _ = writeln!(output, "{line}");
}

/// Writes an error with its causes to standard error.
fn complain(error: &dyn std::error::Error) {
    let mut line = format!("apropos-local: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(&format!(": {error}"));
        cause = error.source();
    }
    say_on(&mut io::stderr(), &line);
}

/// Logs go to standard error, for people; the level comes from `RUST_LOG`, else `warn`. The SDK warns of each place that
/// has no credentials, which is said once by whoever needed them.
fn start_logs() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,aws_config=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false)
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let arguments = line.split_whitespace().map(OsString::from);
        parse(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_account_has_a_rate_and_a_quota_only_where_they_are_given() {
        let quota = |line: &str| match parsed(line) {
            Ok(Command::Serve(options)) => options.quota,
            Ok(Command::Mail(options)) => options.quota,
            other => panic!("{other:?}"),
        };
        for command in ["serve", "mail"] {
            assert_eq!(quota(command), SendQuota::UNBOUNDED);
            let line = format!("{command} --rate 14 --quota 50000");
            let bounded = quota(&line);
            assert_eq!((bounded.max_per_second, bounded.max_24_hour), (14, 50_000));
        }
    }

    #[test]
    fn the_demo_takes_its_options() {
        let options = |line| match parsed(line) {
            Ok(Command::Demo(options)) => options,
            other => panic!("{other:?}"),
        };
        let plain = options("demo");
        assert_eq!(
            (plain.port, plain.customers, plain.once, plain.json),
            (9_000, 2_000, false, false)
        );
        let full = options("demo --once --json --port 0 --customers 100000 --data=kept --seed 7");
        assert_eq!(
            (full.port, full.customers, full.once, full.json),
            (0, 100_000, true, true)
        );
        assert_eq!((full.data, full.seed), (Some(PathBuf::from("kept")), 7));
    }

    #[test]
    fn the_load_is_of_a_hundred_thousand_unless_said_otherwise() {
        let options = |line| match parsed(line) {
            Ok(Command::Load(options)) => (options.customers, options.sends, options.seed, options.json),
            other => panic!("{other:?}"),
        };
        assert_eq!(options("load"), (100_000, 2_000, 1, false));
        assert_eq!(
            options("load --customers 300 --sends 20 --seed 7 --json"),
            (300, 20, 7, true)
        );
        assert!(parsed("load --sends 0").unwrap_err().starts_with("--sends must be"));
        assert!(parsed("load --once").unwrap_err().contains("--once"));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(parsed("demo --onec").unwrap_err(), "invalid option '--onec'");
        assert_eq!(
            parsed("run").unwrap_err(),
            "there is no command 'run': it is demo, serve, mail, load, keys, brands, queues, secrets, restore-drill, ledger or receipt"
        );
        assert_eq!(
            parsed("").unwrap_err(),
            "a command is missing: demo, serve, mail, load, keys, brands, queues, secrets, restore-drill, ledger or receipt"
        );
        assert_eq!(parsed("demo --json").unwrap_err(), "--json needs --once");
        assert_eq!(
            parsed("demo --customers 0").unwrap_err(),
            "--customers must be from 1 to 10000000"
        );
        assert!(parsed("demo --port 70000").unwrap_err().contains("70000"));
        assert!(parsed("serve --once").unwrap_err().contains("--once"));
    }

    #[test]
    fn what_a_key_or_a_brand_needs_is_asked_for() {
        let refusal = |line| parsed(line).unwrap_err();
        assert_eq!(refusal("keys"), "keys what: create, list or revoke");
        assert_eq!(
            refusal("keys drop --data d"),
            "keys cannot 'drop': it is create, list or revoke"
        );
        assert_eq!(refusal("keys create --data d"), "--brand is missing");
        assert_eq!(refusal("keys revoke --data d"), "the key's id is missing");
        assert_eq!(
            refusal("brands put --data d"),
            "the file with the brand's settings is missing"
        );
        assert_eq!(
            refusal("keys list --brand b"),
            "it is not said where: --data DIR or --table-prefix PREFIX"
        );
        assert_eq!(
            refusal("keys list --brand b --data d --table-prefix p"),
            "--data and --table-prefix are two places"
        );
        assert_eq!(
            refusal("brands get --brand b --data d --region r"),
            "--region needs --table-prefix"
        );
        assert_eq!(refusal("keys list --brand b --scopes a"), "invalid option '--scopes'");
        assert!(refusal("keys list --brand b@c --data d").starts_with("--brand may hold only"));
    }

    #[test]
    fn what_the_queues_need_is_asked_for() {
        assert!(parsed("queues list --stack s --region r --endpoint-url u").is_ok());
        assert!(parsed("queues redrive --stack s --queue sends --reason corrupt --limit 7").is_ok());
        for (line, refusal) in [
            ("queues", "queues what: list, show or redrive"),
            ("queues drop", "queues cannot 'drop': it is list, show or redrive"),
            ("queues list", "--stack is missing"),
            ("queues show --stack s", "--queue is missing"),
            (
                "queues show --stack s --queue mail",
                "--queue 'mail' is none of pages, sends, feedback",
            ),
            ("queues list --stack s --queue sends", "invalid option '--queue'"),
            (
                "queues show --stack s --queue sends --limit 1",
                "invalid option '--limit'",
            ),
        ] {
            assert_eq!(parsed(line).unwrap_err(), refusal, "{line}");
        }
    }

    #[test]
    fn the_drill_says_on_which_tables_and_proofs_need_none() {
        for line in [
            "restore-drill export x --data d",
            "restore-drill export x --table-prefix p --region r",
            "restore-drill replay x --table-prefix p --pepper-secret arn",
            "restore-drill replay x --data d",
            "ledger verify x",
            "receipt verify x --key k",
        ] {
            assert!(parsed(line).is_ok(), "{line}: {:?}", parsed(line));
        }
        for (line, refusal) in [
            ("restore-drill", "restore-drill what: export or replay"),
            (
                "restore-drill export x",
                "it is not said where: --data DIR or --table-prefix PREFIX",
            ),
            ("restore-drill replay --data d", "the file of the export is missing"),
            (
                "restore-drill replay x --data d --pepper-secret a",
                "--pepper-secret needs --table-prefix",
            ),
            (
                "restore-drill export x --data d --pepper-secret a",
                "invalid option '--pepper-secret'",
            ),
            (
                "restore-drill undo x --data d",
                "restore-drill cannot 'undo': it is export or replay",
            ),
            ("ledger export x", "ledger cannot 'export': it is verify"),
            ("ledger verify", "the file is missing"),
            ("receipt verify x", "--key is missing"),
            ("ledger verify x --key k", "invalid option '--key'"),
        ] {
            assert_eq!(parsed(line).unwrap_err(), refusal, "{line}");
        }
    }

    #[test]
    fn an_unknown_scope_is_answered_with_those_there_are() {
        let refused = parsed("keys create --brand b --data d --scopes consents:write,admin").unwrap_err();
        assert_eq!(
            refused,
            "--scopes has 'admin'; a scope is one of consents:write, context:write, campaigns:write, campaigns:read, \
             relevance:read"
        );
    }

    #[test]
    fn a_whole_key_given_for_its_id_is_not_repeated() {
        let refused = parsed("keys revoke apr_0123456789ab_AgICAgICAgI --data d").unwrap_err();
        assert_eq!(
            refused,
            "the key's id must be the 12 hexadecimal digits that follow 'apr_' in the key"
        );
    }

    #[test]
    fn help_is_answered_anywhere() {
        for line in [
            "--help",
            "-h",
            "demo --help",
            "serve -h",
            "load --help",
            "keys -h",
            "keys list --help",
            "brands --help",
            "brands put -h",
            "queues -h",
            "queues redrive --help",
            "restore-drill --help",
            "restore-drill export -h",
            "receipt verify --help",
        ] {
            assert_eq!(parsed(line), Ok(Command::Help), "{line}");
        }
    }
}
