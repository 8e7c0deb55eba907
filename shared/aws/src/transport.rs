//! The HTTP client under the SDK's: one for all of a function's clients, made when a request first needs it.
//!
//! The SDK's own loads every certificate that the system trusts, once for each client, before the first event: nine
//! tenths of such a function's start. AWS's endpoints are all signed by Amazon Trust Services, so its five roots are
//! enough, and trusting nobody else is the stricter choice. See `roots/README.md`.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Amazon Trust Services: whoever signs an AWS endpoint is signed by one of these.
const AMAZON_ROOTS: [&str; 5] = [
    include_str!("roots/amazon_root_ca_1.pem"),
    include_str!("roots/amazon_root_ca_2.pem"),
    include_str!("roots/amazon_root_ca_3.pem"),
    include_str!("roots/amazon_root_ca_4.pem"),
    include_str!("roots/starfield_services_root_g2.pem"),
];

/// How long making a connection may take; the SDK's own figure. Connections are shared, so it is the same for all clients.
const CONNECT: Duration = Duration::from_millis(3_100);

/// An HTTP client for the SDK that trusts Amazon's roots, or those of a bundle of certificates in PEM in their place.
pub(crate) fn http_client(bundle: Option<String>) -> SharedHttpClient {
    SharedHttpClient::new(Transport(Arc::new(Connectors {
        bundle,
        plain: OnceLock::new(),
        secure: OnceLock::new(),
    })))
}

#[derive(Debug, Clone)]
struct Transport(Arc<Connectors>);

/// A loopback endpoint never makes TLS, and a function that has not been asked anything makes nothing.
#[derive(Debug)]
struct Connectors {
    bundle: Option<String>,
    plain: OnceLock<Connector>,
    secure: OnceLock<Connector>,
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connectors = &*self.0;
        if request.uri().starts_with("http:") {
            return connectors.plain.get_or_init(plain).call(request);
        }
        let bundle = connectors.bundle.as_deref();
        connectors.secure.get_or_init(|| secure(bundle)).call(request)
    }
}

fn plain() -> Connector {
    Connector::builder().connector_settings(settings()).build_http()
}

fn secure(bundle: Option<&str>) -> Connector {
    let builder = Connector::builder()
        .connector_settings(settings())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    match TlsContext::builder().with_trust_store(trust(bundle)).build() {
        Ok(context) => builder.tls_context(context).build(),
        // It never refuses; if it did, the system's certificates would serve.
        Err(_) => builder.build(),
    }
}

fn trust(bundle: Option<&str>) -> TrustStore {
    match bundle {
        Some(bundle) => TrustStore::empty().with_pem_certificate(bundle),
        None => AMAZON_ROOTS
            .into_iter()
            .fold(TrustStore::empty(), |store, root| store.with_pem_certificate(root)),
    }
}

fn settings() -> HttpConnectorSettings {
    HttpConnectorSettings::builder().connect_timeout(CONNECT).build()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use jiff::{SignedDuration, Timestamp};
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::Clock;

    /// The certificate in its binary form.
    fn binary(pem: &str) -> Vec<u8> {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        STANDARD.decode(body).unwrap()
    }

    /// The end of its validity: the second of the two UTCTimes that stand together (RFC 5280, 4.1.2.5).
    fn until(certificate: &[u8]) -> Timestamp {
        const UTC_TIME: [u8; 2] = [0x17, 13];
        let at = certificate
            .windows(30)
            .position(|window| window.starts_with(&UTC_TIME) && window[15..].starts_with(&UTC_TIME))
            .unwrap();
        let text = std::str::from_utf8(&certificate[at + 17..at + 29]).unwrap();
        let part = |index: usize| &text[index * 2..index * 2 + 2];
        format!(
            "20{}-{}-{}T{}:{}:{}Z",
            part(0),
            part(1),
            part(2),
            part(3),
            part(4),
            part(5)
        )
        .parse()
        .unwrap()
    }

    #[test]
    fn the_trusted_roots_are_those_of_the_table_and_have_years_to_live() {
        let table = include_str!("roots/README.md");
        for pem in AMAZON_ROOTS {
            let certificate = binary(pem);
            let hash: String = Sha256::digest(&certificate)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let row = table.lines().find(|line| line.contains(&hash)).unwrap();
            let until = until(&certificate);
            assert!(row.contains(&until.strftime("%Y-%m-%d").to_string()), "{row}");
            let two_years = Clock::system().now() + SignedDuration::from_hours(2 * 365 * 24);
            assert!(until > two_years, "{row}");
        }
        assert_eq!(
            table.lines().filter(|line| line.starts_with("| `")).count(),
            AMAZON_ROOTS.len()
        );
    }

    #[test]
    fn loopback_makes_no_tls_and_https_makes_it_once_for_all_clients() {
        let transport = Transport(Arc::new(Connectors {
            bundle: None,
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        }));
        let call = |uri: &str| {
            let mut request = HttpRequest::empty();
            request.set_uri(uri).unwrap();
            drop(transport.clone().call(request));
        };
        call("http://127.0.0.1:1/");
        assert!(transport.0.plain.get().is_some());
        assert!(transport.0.secure.get().is_none());
        call("https://dynamodb.eu-west-3.amazonaws.com/");
        assert!(transport.0.secure.get().is_some());
    }
}
