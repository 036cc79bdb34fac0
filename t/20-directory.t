#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.1.1, 7.2 and what anybody may fetch: T16, T24, T30, T31, R1, R22,
# R24, R25; base URL and aliases: R23.

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
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $c      = AcmeWire->new(server => $server);
my $root   = "$server->{base}/acme";

sub directory {
    my $res = $c->http('GET', $server->{directory});
    is($res->{status}, 200, 'R24 the directory');
    is(AcmeClient::header($res, 'content-type'), 'application/json',
        'R6 is JSON');
    ok(!nonce_fault($res), 'R2 with a nonce');
    my $ruby = $c->http('GET', $server->{directory},
        headers => ['User-Agent: Acme::Client v2.0.9 (https://x.example)']);
    is(AcmeClient::header($ruby, 'replay-nonce') // 'none', 'none',
        'R2 but for the client that dies of it');
    is(links($res, 'index'), 0, 'T30 and no link to itself');
    my %doc = %{ $res->{json} };
    my $meta = delete $doc{meta};
    my @names = qw(newNonce newAccount newOrder newAuthz revokeCert keyChange
        renewalInfo);
    for my $name (@names) {
        like($doc{$name}, qr{^https://localhost:$server->{port}/acme/},
            "R22 R24 $name");
        like($res->{body}, qr/^\s*"$name":\s*"\Q$doc{$name}\E",?$/m,
            "R24 $name on a line of its own");
    }
    ok(exists $meta->{externalAccountRequired}, 'R24 externalAccountRequired');
    ok(!exists $meta->{termsOfService}, 'T37 no terms unless configured');
    for my $name (sort keys %doc) {
        my $found = $c->http('POST', $doc{$name}, body => 'x');
        unlike($found->{status}, qr/^(?:404|5)/, "T31 $name is there");
    }
    is_deeply([sort keys %doc], [sort @names],
        'T31 what is not there is not advertised');
    my $head = $c->http('HEAD', $server->{directory});
    is($head->{status}, 200, 'R24 HEAD');
    is($c->http('GET', "$server->{directory}?x=y")->{status}, 200,
        'R24 a query is ignored');
}

sub new_nonce {
    my $url = $c->endpoints->{newNonce};
    my %want = (HEAD => 200, GET => 204);
    for my $method (qw(HEAD GET)) {
        my $res = $c->http($method, $url);
        answered($res, $want{$method}, "R1 T24 $method newNonce");
        is($res->{body}, '', 'T24 without a body');
        is(AcmeClient::header($res, 'content-type') // 'none', 'none',
            'T24 so without a type');
        is(AcmeClient::header($res, 'cache-control'), 'no-store',
            'T24 Cache-Control: no-store');
    }
    is($c->http('GET', "$url?x")->{status}, 204, 'T24 a query is ignored');
    $c->register;
    answered($c->get($url), 200, 'T16 POST-as-GET of newNonce');
    my $res = $c->get($server->{directory});
    is($res->{status}, 200, 'T16 POST-as-GET of the directory');
    ok($res->{json}{newOrder}, 'T16 gives it');
    ok(!nonce_fault($res), 'R2 T18 with a nonce, as each answer to a POST');
}

# T30: everything else has the link; errors are in refused().
sub index_links {
    my $order = $c->order('a.test');
    my $authz = $c->get($order->{json}{authorizations}[0]);
    my @all = ($c->get($c->{kid}), $c->get("$c->{kid}/orders"), $order,
        $c->get($order->{json}{self}), $authz,
        $c->get(AcmeClient::challenge($authz->{json})->{url}));
    $responder->thumbprint($c->thumbprint);
    my $ready = $c->authorize($order->{json}, undef);
    push @all, $c->finalize($ready, $c->csr(['a.test']));
    push @all, $c->get($all[-1]{json}{certificate});
    is_deeply([links($_, 'index')], [$server->{directory}],
        'T30 R11 a link to the directory')
        for @all;
}

sub wrong_urls {
    for my $path ('', '/', '/dir', '/directory/', '/Directory', '/x', '/acct',
        '/acct/', '/order/x', '/new-nonce/x', '/directory/directory/directory',
        '/nobody/directory', '/' . 'a' x 4000, '/%2e%2e/directory')
    {
        my $res = $c->http('GET', "$root$path");
        my $name = 'R25 ' . substr $path, 0, 40;
        next if $path =~ m{^/?$} && $res->{status} == 200;
        refused($res, 404, 'malformed', "$name is no resource",
            qr/\Q$server->{directory}\E/);
    }
}

sub der_subject {
    my ($der) = @_;
    AcmeServer::write_file("$c->{dir}/x.cer", $der);
    return AcmeClient::run(qw(openssl x509 -inform DER -noout -subject -in),
        "$c->{dir}/x.cer");
}

sub publication {
    my $plain = "http://127.0.0.1:$server->{http_port}/acme";
    for my $name (qw(roots.pem chain.pem root.cer)) {
        my $res = $c->http('GET', "$root/$name");
        is($res->{status}, 200, "T82 $name");
        my $curl = AcmeClient::run('curl', '-sf', "$plain/$name");
        is($curl, $res->{body}, "T82 $name over plain HTTP");
        is($c->http('HEAD', "$root/$name")->{status}, 200, "T82 HEAD $name");
        my $post = $c->http('POST', "$root/$name", body => 'x');
        refused($post, 405, 'malformed', "T82 POST $name");
        is(AcmeClient::header($post, 'allow'), 'GET, HEAD', 'T82 with Allow');
    }
    my $pem = $c->http('GET', "$root/chain.pem")->{body};
    like($pem, qr/^(?:-----BEGIN\ CERTIFICATE-----\n(?:[\w+\/=]{1,64}\n)+
        -----END\ CERTIFICATE-----\n)+$/x, 'T70 T82 nothing but certificates');
    like(der_subject($c->http('GET', "$root/root.cer")->{body}), qr/CN/,
        'T82 root.cer is DER');
    refused($c->http('GET', "$root/issuer/$_"), 404, 'malformed',
        "T82 no issuer $_")
        for 'x', 'a' x 64 . '.cer', 'a' x 64, '../roots.pem';
    for my $path ('directory', 'new-nonce', 'new-account') {
        my $status = AcmeClient::run('curl', '-so', '/dev/null', '-w',
            '%{http_code}', "$plain/$path");
        is($status, 404, "R22 no $path over plain HTTP");
    }
}

sub aliases {
    my $other = AcmeServer->new(vhost => join "\n",
        'ACMEBaseURL https://ca.example',
        'ACMEBaseURLAlias https://old.example:8443')->start;
    my $client = AcmeWire->new(server => $other,
        directory => 'https://ca.example/acme/directory');
    is($client->endpoints->{newOrder}, 'https://ca.example/acme/new-order',
        'R23 H4 ACMEBaseURL is what every URL begins with');
    my $res = $client->register;
    answered($res, 201, 'T32 an account under that URL');
    my $acct = $client->{kid};
    like($acct, qr{^https://ca\.example/acme/acct/}, 'R23 the account\'s too');
    (my $alias = $acct) =~ s{ca\.example}{old.example:8443};
    answered($client->post($alias, '', kid => $_->[0], url => $_->[1]), 200,
        "R23 kid $_->[0], url $_->[1]")
        for [$acct, $acct], [$acct, $alias], [$alias, $alias], [$alias, $acct];
    for my $host ('ca.example:443', "localhost:$other->{port}", 'old.example',
        'ca.example.org')
    {
        (my $wrong = $acct) =~ s{ca\.example}{$host};
        refused($client->post($acct, '', url => $wrong), 403, 'unauthorized',
            "R23 url at $host");
        refused($client->post($acct, '', kid => $wrong), 400,
            'accountDoesNotExist', "R23 kid at $host");
    }
    $other->finish;
}

directory();
new_nonce();
index_links();
wrong_urls();
publication();
aliases();
$server->finish;
done_testing;
