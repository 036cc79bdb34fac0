#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Policies over the wire: what is refused, where, and in which words; what the
# certificate has that they let through.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use POSIX qw(strftime);
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeTool;
use AcmeWire;

my $responder = AcmeResponder->new;
my @hosts = map { "$_.acme.test" } qw(www mail dmz.x out.dmz a.b.apps);

# The configuration, with these lines more in its policy.
sub vhost {
    my ($more) = @_;
    return <<"EOT";
<ACMEPolicy web>
    ACMEPolicyPreset  tls-server
    ACMEPolicySAN     dns allow *.acme.test **.apps.acme.test dmz.x.acme.test
    ACMEPolicySAN     dns allow *.dmz.acme.test deny secret.acme.test
    ACMEPolicySubject CN  allow **.acme.test
    ACMEPolicySubject O   require "Acme*"
    ACMEPolicyKey     ec:P-256 ec:P-384
    ACMEPolicyExtendedKeyUsage allow clientAuth
    ACMEPolicyMaxValidity 30d
    ACMEPolicyNetwork dmz.x.acme.test requested-from=192.0.2.0/24
    ACMEPolicyNetwork *.dmz.acme.test resolves-to=192.0.2.0/24
    $more
</ACMEPolicy>
<ACMEProfile web>
    ACMEProfilePolicy     web
    ACMEProfileSubject    O="Acme Corp"
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT
}

my $server = AcmeServer->new(http01_port => $responder->{port},
    hosts => \@hosts, vhost => vhost(''))->start;
my $client = AcmeWire->new(server => $server, profile => 'web');
$client->register;
my $file = "$server->{dir}/cert.pem";

# Identifiers of the answer's subproblems, in their order.
sub subproblems {
    my ($res) = @_;
    return join ' ', map { ($_->{identifier} || {})->{value} // '-' }
        @{ $res->{json}{subproblems} || [] };
}

# An order that is ready.
sub ready {
    my (@names) = @_;
    my $order = $client->authorize($client->order(@names)->{json}, $responder);
    is($order->{status}, 'ready', "@names: ready");
    return $order;
}

# Text of the certificate that a finalized order has.
sub issued {
    my ($res) = @_;
    is($res->{json}{status}, 'valid', 'a certificate') or diag $res->{body};
    my $url = $res->{json}{certificate} or return '';
    AcmeServer::write_file($file, $client->get($url)->{body});
    return AcmeTool::x509($file, '-text', '-nameopt', 'RFC2253');
}

# The answer of finalize, without waiting.
sub finalize {
    my ($order, $names, @csr) = @_;
    return $client->post($order->{finalize},
        { csr => encode_base64url($client->csr($names, @csr)) });
}

subtest 'T46: one of three names' => sub {
    my $res = $client->order('www.acme.test', 'a.b.acme.test',
        'mail.acme.test');
    refused($res, 403, 'rejectedIdentifier', 'one of three', qr/a\.b\.acme/);
    like($res->{json}{detail}, qr/policy web allows dns \*\.acme\.test/,
        'and what there might be instead');
    $res = $client->order('www.acme.test', 'secret.acme.test', 'acme.test',
        'www.other.test');
    refused($res, 403, 'rejectedIdentifier', 'three of four, all at once');
    is(subproblems($res), 'acme.test secret.acme.test www.other.test',
        'one subproblem for each');
    my ($deny) = grep { $_->{identifier}{value} eq 'secret.acme.test' }
        @{ $res->{json}{subproblems} };
    like($deny->{detail}, qr/den/, 'deny wins');
    refused($client->order('*.dmz.acme.test'), 403, 'rejectedIdentifier',
        'a wildcard needs a pattern written for it', qr/wildcard:/);
    answered($client->order('www.acme.test', 'a.b.apps.acme.test'), 201,
        '** is one or more labels');
};

subtest 'what a CSR wishes, all at once' => sub {
    my $names = ['www.acme.test'];
    my $order = ready(@$names);
    my $res = finalize($order, ['www.acme.test', 'email:a@acme.test',
        'URI:spiffe://acme.test/x'], key => 'rsa2048',
        subject => '/C=DE/O=Other/CN=www.acme.test',
        ext => ['extendedKeyUsage=codeSigning', 'keyUsage=keyCertSign']);
    refused($res, 400, 'badCSR', 'everything is wrong');
    my $detail = $res->{json}{detail} // '';
    like($detail, qr/$_/, "it says so: $_") for qr/RSA/, qr/e-mail address/,
        qr/URI/, qr/O="Other"/, qr/has C, which/, qr/codeSigning/,
        qr/keyCertSign/;
    my @subs = map { $_->{detail} } @{ $res->{json}{subproblems} };
    for my $word (qw(RSA e-mail URI O="Other" codeSigning keyCertSign),
        'has C,')
    {
        is(scalar(grep { /\Q$word\E/ } @subs), 1,
            "a subproblem of its own: $word");
    }
    is($client->get($order->{self})->{json}{status}, 'ready',
        'T56: the order stays ready');
    my $text = issued($client->finalize($order, $client->csr($names,
        key => 'ec384', subject => '/O=Acme West',
        ext => ['extendedKeyUsage=serverAuth,clientAuth'])));
    like($text, qr/Subject: CN=www\.acme\.test,O=Acme West$/m,
        'what the policy lets through is in it, and the CN');
    like($text, qr/TLS Web Server Auth\w+, TLS Web Client Auth/, 'both usages');
    like($text, qr/Key Usage: critical\s+Digital Signature\n/, 'key usage');
};

subtest 'ACMEProfileSubject fills in what is not said' => sub {
    my $names = ['mail.acme.test'];
    my $text = issued($client->finalize(ready(@$names), $client->csr($names)));
    like($text, qr/Subject: CN=mail\.acme\.test,O=Acme Corp$/m, 'the subject');
    unlike($text, qr/Client Auth/, 'no usage that nobody asked for');
};

subtest 'T50: validity' => sub {
    my $now  = time;
    my $date = sub { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($now + $_[0])) };
    for my $case (
        ['longer than the policy allows', { notAfter => $date->(31 * 86400) },
            qr/30 ?d|2592000|longest|at most/],
        ['over before it begins', { notBefore => $date->(7200),
            notAfter => $date->(3600) }, qr/notAfter/],
        ['long ago', { notBefore => $date->(-7200) }, qr/notBefore|past/],
        ['no date', { notAfter => 'tomorrow' }, qr/RFC 3339/])
    {
        my ($name, $wish, $regex) = @$case;
        local $client->{wish} = $wish;
        refused($client->order('www.acme.test'), 400, 'malformed', $name,
            $regex);
    }
    my ($from, $to) = ($date->(600), strftime('%Y-%m-%dT%H:%M:%S+02:00',
        gmtime($now + 86400 + 7200)));
    local $client->{wish} = { notBefore => $from, notAfter => $to };
    my $order = ready('www.acme.test');
    is($order->{notAfter}, $date->(86400), 'the wish is reflected');
    issued($client->finalize($order, $client->csr(['www.acme.test'])));
    my $want = sub { strftime('%b %e %H:%M:%S %Y GMT', gmtime $_[0]) };
    is(AcmeTool::x509($file, '-dates'), 'notBefore=' . $want->($now + 600)
        . "\nnotAfter=" . $want->($now + 86400), 'and honoured exactly');
    $client->{wish} = {};
    issued($client->finalize(ready('www.acme.test'),
        $client->csr(['www.acme.test'])));
    ok(eval { AcmeClient::run('openssl', 'x509', '-noout', '-in', $file,
        '-checkend', 29 * 86400) }, 'the default is the policy\'s 30 days');
    ok(!eval { AcmeClient::run('openssl', 'x509', '-noout', '-in', $file,
        '-checkend', 30 * 86400) }, 'and not the 90 of profiles');
};

subtest 'networks' => sub {
    refused($client->order('www.acme.test', 'dmz.x.acme.test'), 403,
        'rejectedIdentifier', 'requested-from',
        qr/dmz\.x\.acme\.test.*192\.0\.2\.0.*127\.0\.0\.1/);
    my $order = $client->authorize($client->order('out.dmz.acme.test')->{json},
        $responder);
    is($order->{status}, 'invalid', 'resolves-to: an address elsewhere');
    my $authz = $client->get($order->{authorizations}[0])->{json};
    my $error = AcmeClient::challenge($authz)->{error};
    like($error->{detail}, qr/127\.0\.0\.1/, 'says where it is');
    like($error->{detail}, qr/192\.0\.2\.0/, 'and where it should be');
    is_deeply([grep { $_->[0] =~ /^out\.dmz/ } $responder->requests], [],
        'nobody was asked there');
};

subtest 'T61: a policy that changes between newOrder and finalize' => sub {
    my $names = ['mail.acme.test', 'www.acme.test'];
    my $order = ready(@$names);
    my $csr   = $client->csr($names);
    my $try = sub {
        my ($more, $status, $type, $what, $regex) = @_;
        $client->detach;
        reload($server, vhost => vhost($more));
        my $res = $client->post($order->{finalize},
            { csr => encode_base64url($csr) });
        refused($res, $status, $type, $what, $regex);
        is($client->get($order->{self})->{json}{status}, 'ready',
            'the order stays ready');
    };
    $try->('ACMEPolicySAN dns deny www.acme.test', 403, 'rejectedIdentifier',
        'a name is denied now', qr/www\.acme\.test/);
    $try->('ACMEPolicyNetwork *.acme.test requested-from=192.0.2.1', 403,
        'rejectedIdentifier', 'a network is asked for now', qr/192\.0\.2\.1/);
    $try->('ACMEPolicySubject OU require x', 400, 'badCSR',
        'an attribute is required now', qr/requires OU/);
    $client->detach;
    reload($server, vhost => vhost(''));
    issued($client->finalize($order, $csr));
};

$client->detach;
$server->finish;
done_testing;
