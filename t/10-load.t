#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The module loads in every MPM, makes what it needs with the right owners, and
# serves; virtual hosts, publication, mod_status, the environment for logs.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $user = $> == 0 ? 'www-data' : getpwuid $>;

sub mode_owner {
    my ($path) = @_;
    my @st = stat $path or return "no $path";
    return sprintf '%03o %s', $st[2] & 07777, (getpwuid $st[4])[0];
}

for my $mpm (qw(event worker prefork)) {
    my $server = AcmeServer->new(mpm => $mpm,
        http01_port => $responder->{port})->start;
    my $client = AcmeWire->new(server => $server);
    my $pem = $client->certificate($responder, 'a.test');
    like($client->verify($pem, 'a.test'), qr/OK/, "$mpm: a certificate");
    $client->detach;
    my $me = getpwuid $>;
    my %want = ('' => "755 $me", ca => "700 $me", db => "700 $user",
        pub => "700 $user", 'db/acme.db' => "600 $user",
        'ca/root.key' => "600 $me", 'ca/vhost-localhost.key' => "600 $me");
    is(mode_owner("$server->{state}/$_"), $want{$_}, "$mpm: owner of state/$_")
        for sort keys %want;
    my $access = AcmeServer::read_file("$server->{dir}/logs/access.log");
    like($access, qr{POST /acme/order/\S+/finalize 200 \S{22} \S{22} -$}m,
        "$mpm: ACME_ACCOUNT and ACME_ORDER in the access log");
    $server->finish;
}

subtest 'publication and mod_status' => sub {
    my $server = AcmeServer->new(modules => ['status', 'authz_host'],
        vhost => "<Location /server-status>\nSetHandler server-status\n"
            . "</Location>\n",
        global => <<'EOT')->start;
<IfModule !mpm_prefork_module>
    StartServers 1
    MinSpareThreads 1
    MaxSpareThreads 25
    ServerLimit 1
    MaxRequestWorkers 25
</IfModule>
EOT
    my $client = AcmeWire->new(server => $server);
    my $plain  = "http://localhost:$server->{http_port}";
    my @curl   = ('curl', '-si', '--ipv4');
    for my $name (qw(roots.pem root.cer chain.pem)) {
        my $over_tls = $client->http('GET', "$server->{base}/acme/$name");
        is($over_tls->{status}, 200, "$name over TLS");
        is(AcmeClient::run('curl', '-sf', "$plain/acme/$name"),
            $over_tls->{body}, "$name over plain HTTP is the same");
    }
    my $text = AcmeClient::run(@curl, "$plain/acme/directory");
    like($text, qr{^HTTP/1.1 404 .*problem\+json.*\Q$server->{base}\E}s,
        'no directory over plain HTTP, but its place');
    $text = AcmeClient::run(@curl, "$plain/other");
    unlike($text, qr/replay-nonce/i, 'other URLs are not ours');

    $client->register;
    my $status = $client->http('GET', "$server->{base}/server-status")->{body};
    like($status, qr{\Q$server->{base}\E/acme/directory</dt>}, 'mod_status');
    $status
        = $client->http('GET', "$server->{base}/server-status?auto")->{body};
    like($status, qr{^ACMEServer: \Q$server->{base}\E/acme [0-9a-f]{64} 20}m,
        'mod_status for programs');
    $client->detach;
    $server->finish;

    # A plain virtual host without a directive of ours has its own name all the
    # same, and one of another name publishes nothing.
    my $port = AcmeServer::free_port();
    $server = AcmeServer->new(log_level => 'warn', global => <<"EOT")->start;
ServerName main.test
Listen 127.0.0.1:$port
<VirtualHost 127.0.0.1:$port>
    ServerName other.test
</VirtualHost>
EOT
    $plain = "http://localhost:$server->{http_port}/acme/roots.pem";
    like(AcmeClient::run(@curl, $plain), qr/BEGIN CERTIFICATE/,
        'a virtual host of the same name publishes');
    $text = AcmeClient::run(@curl, "http://localhost:$port/acme/roots.pem");
    like($text, qr{^HTTP/1.1 404 }, 'one of another name does not');
    like($server->log, qr{AS0406: .*\Q$server->{directory}\E},
        'LogLevel warn does not hide where the directory is');
    $server->finish;
};

# What is published and was issued outlives the key, and the virtual host's
# certificate stays the one that clients trust.
subtest 'a key that is gone' => sub {
    my $server = AcmeServer->new(http01_port => $responder->{port})->start;
    my $client = AcmeWire->new(server => $server);
    $client->register;
    my $order
        = $client->authorize($client->order('a.test')->{json}, $responder);
    my $url = $client->finalize($order, $client->csr(['a.test']))
        ->{json}{certificate};
    my $pem = $client->get($url)->{body};
    my $key = "$server->{state}/ca/issuing-1.key";
    my $hex = AcmeClient::run('openssl', 'x509', '-noout', '-fingerprint',
        '-sha256', '-in', $key =~ s/key$/pem/r);
    my @names = (qw(roots.pem root.cer chain.pem),
        'issuer/' . lc($hex =~ s/.*=|[:\n]//gr) . '.cer');
    my %body = map {
        $_ => $client->http('GET', "$server->{base}/acme/$_")->{body} } @names;
    AcmeServer::write_file($key, 'garbage');
    $server->graceful;
    for my $name (@names) {
        my $res = $client->http('GET', "$server->{base}/acme/$name");
        is($res->{status}, 200, "$name, 200 over TLS");
        is($res->{body}, $body{$name}, '… as before');
    }
    is($client->get($url)->{body}, $pem, 'a certificate of before');
    is($client->order('b.test')->{status}, 503, 'a new order is a 503');
    $client->detach;
    $server->finish(qr/AS0404: |AS0153: /, qr/AS0\d+: .*503|serverInternal/);
};

subtest 'two virtual hosts, one state directory' => sub {
    my $server = AcmeServer->new(http01_port => $responder->{port});
    my $defaults = join "\n    ", split /\n/, $server->defaults;
    my $port = AcmeServer::free_port();
    $server->configure(global => <<"EOT")->start;
Listen 127.0.0.1:$port https
<VirtualHost 127.0.0.1:$port>
    ServerName second.test:$port
    ServerAlias alias.test *.wild.test
    SSLEngine on
    ACMEServer on
    ACMEPath /pki
    ACMERealm second
    $defaults
</VirtualHost>
EOT
    my $client = AcmeWire->new(server => $server);
    like($client->verify($client->certificate($responder, 'a.test')), qr/OK/,
        'the first one');
    my @tls = ('curl', '-sf', '--cacert', $client->cacert, '--resolve',
        "second.test:$port:127.0.0.1", '--resolve',
        "alias.test:$port:127.0.0.1");
    like(AcmeClient::run(@tls, "https://second.test:$port/pki/directory"),
        qr{"https://second.test:$port/pki/new-nonce"},
        'the second one has a certificate of the same CA');
    like(AcmeClient::run(@tls, "https://alias.test:$port/pki/directory"),
        qr{"https://second.test:$port/pki/new-nonce"},
        'and for its ServerAlias');
    is(AcmeClient::run('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}',
        '--cacert', $client->cacert, "$server->{base}/pki/directory"), 404,
        'each has its own path');
    $client->detach;
    $server->finish(qr/AS0430/);
};

# One CA, SNI, and two names on one address: each gets its own certificate.
subtest 'the right certificate under SNI' => sub {
    my $server = AcmeServer->new;
    my $defaults = join "\n    ", split /\n/, $server->defaults;
    $server->configure(global => <<"EOT")->start;
<VirtualHost 127.0.0.1:$server->{port}>
    ServerName other.test
    SSLEngine on
    ACMEServer on
    $defaults
</VirtualHost>
EOT
    my $client = AcmeWire->new(server => $server);
    for my $name ('localhost', 'other.test') {
        my $text = AcmeClient::run('curl', '-sf', '--cacert', $client->cacert,
            '--resolve', "$name:$server->{port}:127.0.0.1",
            "https://$name:$server->{port}/acme/directory");
        like($text, qr/"newNonce": "https:\/\/$name/, "$name by SNI");
    }
    $server->finish(qr/AS0430/);
};

subtest 'ACMEPath /' => sub {
    my $docs = AcmeServer::tempdir();
    AcmeServer::write_file("$docs/page", "a page\n");
    my $server = AcmeServer->new(vhost => 'ACMEPath /',
        http_vhost => "DocumentRoot $docs\n<Directory $docs>\n"
            . "Require all granted\n</Directory>")->start;
    my $plain  = "http://127.0.0.1:$server->{http_port}";
    my @host   = ('-H', "Host: $server->{server_name}");
    like(AcmeClient::run('curl', '-sfk', "$server->{base}/directory"),
        qr{"$server->{base}/new-nonce"}, 'the directory');
    like(AcmeClient::run('curl', '-sf', @host, "$plain/roots.pem"), qr/BEGIN/,
        'published over plain HTTP');
    is(AcmeClient::run('curl', '-sf', @host, "$plain/page"), "a page\n",
        'where other files stay');
    my @html = ('-H', 'Accept: text/html');
    unlike(AcmeClient::run('curl', '-s', @html, @host, "$plain/"),
        qr/Certificate authority/, 'and its own first page');
    like(AcmeClient::run('curl', '-sfk', @html, "$server->{base}/"),
        qr/Certificate authority/, 'over TLS it is the page for people');
    $server->finish;
};

subtest 'HTTP/2' => sub {
    my $server = AcmeServer->new(mpm => 'event', modules => ['http2',
        'authz_host'], vhost => <<'EOT')->start;
Protocols h2 http/1.1
<Location /acme/private>
    Require ip 192.0.2.1
</Location>
EOT
    my $client = AcmeWire->new(server => $server);
    my @curl = ('curl', '-si', '--http2', '--cacert', $client->cacert);
    my $text = AcmeClient::run(@curl, "$server->{base}/acme/directory");
    like($text, qr{^HTTP/2 200 .*"newNonce"}s, 'directory');
    $text = AcmeClient::run(@curl, '-I', "$server->{base}/acme/new-nonce");
    like($text, qr{^HTTP/2 200 .*replay-nonce: }s, 'newNonce');
    for (['new-account', 405], ['nothing', 404], ['private/directory', 403]) {
        my ($path, $status) = @$_;
        $text = AcmeClient::run(@curl, "$server->{base}/acme/$path");
        like($text, qr{^HTTP/2 $status .*replay-nonce: .*problem\+json}s,
            "$path: $status");
    }
    $client->detach;
    $server->finish(qr/AH01630/);
};
done_testing;
