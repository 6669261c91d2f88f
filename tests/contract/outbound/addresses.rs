//! Which addresses a call can reach, however they are spelled or resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::process::Command;

use ipnet::IpNet;
use outbound::{AllowList, Error, Outbound, public_roots};
use tokio::net::TcpListener;
use url::Url;

use super::ranges::{NOT_PUBLIC, PUBLIC};
use super::{
    ALLOWED, REFUSED, Server, allowed_and_refused, always, answers, assert_untouched, client,
    client_allowing, get, printed,
};

fn url(address: IpAddr, port: u16) -> String {
    match address {
        IpAddr::V4(address) => format!("https://{address}:{port}/"),
        IpAddr::V6(address) => format!("https://[{address}]:{port}/"),
    }
}

fn is_refused(answer: &Result<outbound::Answer, Error>) -> bool {
    matches!(answer, Err(Error::Refused { .. }))
}

#[tokio::test]
async fn nothing_but_public_addresses_is_called() {
    for range in NOT_PUBLIC {
        let range: IpNet = range.parse().expect(range);
        for address in [range.network(), range.broadcast()] {
            let named = client(always(&[address]));
            assert!(is_refused(&named.send(get("https://name.example/")).await), "{address}");
            assert!(is_refused(&named.send(get(&url(address, 443))).await), "{address}");
            assert!(is_refused(&named.send(get("http://name.example/")).await), "{address}");
        }
    }
    for address in PUBLIC {
        let address: IpAddr = address.parse().expect(address);
        assert_eq!(AllowList::default().judge(address), Ok(()), "{address}");
    }
}

/// The addresses at which other machines reach this one, if it has any.
fn own_addresses() -> Vec<IpAddr> {
    let towards = |from: &str, to: &str| {
        // A datagram socket takes the address of the interface; nothing is sent.
        let socket = UdpSocket::bind(from).ok()?;
        socket.connect(to).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    [towards("0.0.0.0:0", "8.8.8.8:53"), towards("[::]:0", "[2606:4700::1]:53")]
        .into_iter()
        .flatten()
        .filter(|address| AllowList::default().judge(*address).is_err())
        .collect()
}

#[tokio::test]
async fn this_machine_is_reached_by_none_of_its_addresses() {
    let v4 = |last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
    let v6 = IpAddr::from(Ipv6Addr::LOCALHOST);
    let mapped = IpAddr::from(Ipv4Addr::LOCALHOST.to_ipv6_mapped());
    // The address at which the server listens, and one that leads there.
    let mut ways = vec![
        (v4(1), v4(1)),
        (v4(3), v4(3)),
        (v4(1), mapped),
        (v4(1), Ipv4Addr::UNSPECIFIED.into()),
        (v6, v6),
        (v6, Ipv6Addr::UNSPECIFIED.into()),
    ];
    ways.extend(own_addresses().into_iter().map(|address| (address, address)));
    let mut tried = 0;
    for (bound, address) in ways {
        // The machine may have no IPv6.
        let Ok(listener) = TcpListener::bind((bound, 0)).await else { continue };
        let port = listener.local_addr().expect("an address").port();
        let everything: AllowList = "0.0.0.0/0, ::/0".parse().expect("ranges");
        let open = Outbound::new(everything, public_roots(), always(&[address])).expect("a client");
        let named = format!("https://name.example:{port}/");
        let request = get(&named);
        let (reached, _) =
            tokio::join!(async { listener.accept().await.map(drop) }, open.send(request),);
        reached.expect("a connection");
        let guarded = client(always(&[address]));
        for url in [named, url(address, port)] {
            let error = guarded.send(get(&url)).await.expect_err("refused");
            assert!(matches!(error, Error::Refused { .. }), "{url}: {error}");
            assert_untouched(&listener).await;
        }
        tried += 1;
    }
    assert!(tried >= 4, "{tried}");
}

#[tokio::test]
async fn every_spelling_of_an_address_is_judged_as_the_address() {
    let listener = TcpListener::bind((REFUSED, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let client = client_allowing(AllowList::default());
    for host in [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7F.0.0x0.01",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "0x7f.1.",
        "%31%32%37.0.0.1",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:0:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fec0::1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "169.254.169.254",
        "169.254.170.2",
        "192.0.0.192",
        "100.100.100.200",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        let error = client.send(get(&format!("https://{host}:{port}/"))).await.expect_err(host);
        assert!(matches!(error, Error::Refused { .. }), "{host}: {error}");
    }
    // Some resolvers do not know this name.
    let error = client.send(get(&format!("https://localhost.:{port}/"))).await.expect_err("none");
    assert!(matches!(error, Error::Refused { .. } | Error::Resolve { .. }), "{error}");
    // Names that resolve to this machine, as those of public wildcard DNS services do.
    for name in ["127.0.0.1.nip.io", "localtest.me", "name.example."] {
        let client = super::client(always(&[REFUSED]));
        let error = client.send(get(&format!("https://{name}:{port}/"))).await.expect_err(name);
        assert!(matches!(error, Error::Refused { .. }), "{name}: {error}");
        let shown = error.to_string();
        assert!(shown.contains(name) && !shown.replace(name, "").contains("127.0.0.1"), "{shown}");
        assert!(printed(&error).contains("127.0.0.1 is refused: loopback"));
    }
    assert_untouched(&listener).await;
    // These are not valid hosts in a URL.
    for host in ["[fe80::1%25eth0]", "[fe80::1%eth0]", "127.0.0.1.1", "0x7f.0.0.0.1", "256.0.0.1"] {
        assert!(Url::parse(&format!("https://{host}/")).is_err(), "{host}");
    }
}

#[tokio::test]
async fn the_socket_goes_to_the_address_that_was_judged() {
    let (allowed, refused) = allowed_and_refused().await;
    let server = Server::on(allowed, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (lookup, asked) = answers(&[&[ALLOWED], &[REFUSED]]);
    let client = client(lookup);
    let url = format!("http://rebinding.example:{}/", server.address.port());
    assert_eq!(client.send(get(&url)).await.expect("an answer").status, 200);
    assert_eq!(asked.lock().expect("a lock").as_slice(), ["rebinding.example"]);
    let error = client.send(get(&url)).await.expect_err("refused");
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert_eq!(server.connections(), 1);
    assert_untouched(&refused).await;
}

#[tokio::test]
async fn refused_addresses_are_skipped_and_dead_ones_passed_over() {
    let (allowed, refused) = allowed_and_refused().await;
    let server = Server::on(allowed, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let port = server.address.port();
    let dead: IpAddr = "127.0.0.4".parse().expect("one");
    let lookup = always(&["10.0.0.1".parse().expect("one"), REFUSED, dead, ALLOWED]);
    let allow = "127.0.0.2/32, 127.0.0.4/32".parse().expect("ranges");
    let client = Outbound::new(allow, public_roots(), lookup).expect("a client");
    let answer = client.send(get(&format!("http://many.example:{port}/"))).await;
    assert_eq!(answer.expect("an answer").status, 200);
    assert_untouched(&refused).await;

    let many: Vec<IpAddr> = (0..9).map(|_| dead).chain([ALLOWED]).collect();
    let allow = "127.0.0.2/32, 127.0.0.4/32".parse().expect("ranges");
    let client = Outbound::new(allow, public_roots(), always(&many)).expect("a client");
    let error = client.send(get(&format!("http://many.example:{port}/"))).await.expect_err("dead");
    assert!(matches!(error, Error::Connect { .. }), "{error}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn plain_http_goes_to_the_allow_list_only() {
    for address in [REFUSED, "8.8.8.8".parse().expect("one"), "2606:4700::1".parse().expect("one")]
    {
        let error = client(always(&[address])).send(get("http://name.example/")).await;
        assert!(is_refused(&error), "{address}");
    }
    for url in ["ftp://name.example/", "file:///etc/passwd", "data:,x", "unix:/run/x", "ws://a.b/"]
    {
        let error = client(always(&[ALLOWED])).send(get(url)).await.expect_err(url);
        assert!(matches!(error, Error::InvalidUrl(_)), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_url_with_a_password_is_refused() {
    let listener = TcpListener::bind((ALLOWED, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    for user in ["user:hunter2@", "user@", ":hunter2@"] {
        let error = client(always(&[ALLOWED])).send(get(&format!("http://{user}{address}/"))).await;
        let error = error.expect_err("refused");
        assert!(matches!(error, Error::InvalidUrl(_)), "{error}");
        assert!(!printed(&error).contains("hunter2"));
    }
    assert_untouched(&listener).await;
    let long = format!("http://{}.example/", "a.".repeat(300));
    let error = client(always(&[ALLOWED])).send(get(&long)).await.expect_err("refused");
    assert!(matches!(error, Error::InvalidUrl(_)), "{error}");
}

#[tokio::test]
async fn an_operator_opens_ranges_in_cidr_notation() {
    let allow: AllowList = " 10.1.0.0/16,fd00:12::/32 ,".parse().expect("ranges");
    for (address, is_open) in [
        ("10.1.2.3", true),
        ("10.2.0.0", false),
        ("::ffff:10.1.2.3", true),
        ("fd00:12:0:1::9", true),
        ("fd00:13::", false),
        ("127.0.0.1", false),
    ] {
        let address = address.parse().expect(address);
        assert_eq!(allow.judge(address).is_ok(), is_open, "{address}");
        assert_eq!(allow.judge_plain_http(address).is_ok(), is_open, "{address}");
    }
    let allow = allow.and(AllowList::loopback());
    assert_eq!(allow.judge(REFUSED), Ok(()));
    assert_eq!(allow.judge(Ipv6Addr::LOCALHOST.into()), Ok(()));
    assert!("".parse::<AllowList>().expect("none").judge(REFUSED).is_err());
    for (text, sentence) in [
        (
            "10.0.0.0/8,example.com",
            "\"example.com\" is not an address range in CIDR notation, such as 10.1.0.0/16",
        ),
        ("10.0.0.1", "\"10.0.0.1\" is not an address range in CIDR notation, such as 10.1.0.0/16"),
        (
            "10.0.0.0/33",
            "\"10.0.0.0/33\" is not an address range in CIDR notation, such as \
                         10.1.0.0/16",
        ),
        ("10.1.2.3/8", "\"10.1.2.3/8\" does not start its range; did you mean 10.0.0.0/8?"),
    ] {
        assert_eq!(text.parse::<AllowList>().expect_err(text), sentence);
    }
}

/// Runs another test again in a process whose environment variables name a proxy.
#[tokio::test]
async fn no_proxy_is_used() {
    let proxy = TcpListener::bind((REFUSED, 0)).await.expect("a free port");
    let address = format!("http://{}", proxy.local_addr().expect("an address"));
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args(["--exact", "outbound::addresses::the_socket_goes_to_the_address_that_was_judged"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, &address).env(name.to_lowercase(), &address);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread");
    let output = output.expect("a process");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    assert_untouched(&proxy).await;
}
