#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Several profiles: a directory each, accounts that belong to it, the default
# directory where one may choose, and what becomes of a profile that is removed.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeTool;
use AcmeWire;

my %profile = (
    web => 'ACMEProfileDescription "Web servers"',
    lan => 'ACMEProfileValidity 24h',
    vip => 'ACMEProfileExternalAccount required',
    off => "ACMEProfileExternalAccount required\nACMEProfileValidation off\n"
        . 'ACMEProfilePolicy listed',
);

# These profiles, the first one being the default if it says so.
sub vhost {
    my ($more, @names) = @_;
    return join "\n", '<ACMEPolicy listed>',
        'ACMEPolicySAN dns allow *.test wildcard:*.lab.test', '</ACMEPolicy>',
        (map { "<ACMEProfile $_>\nACMEProfileEnrollment acme\n"
            . "$profile{$_}\n</ACMEProfile>" } @names),
        "<ACMEProfile none>\n</ACMEProfile>", $more, '';
}

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    vhost => vhost('', qw(web lan vip off)))->start;
my @clients;

# A client of this profile's directory, '' being the default one.
sub client {
    my ($profile, %o) = @_;
    my $client = AcmeWire->new(server => $server, profile => $profile, %o);
    push @clients, $client;
    return $client;
}

# The connections are to children that are about to go.
sub change {
    my (@vhost) = @_;
    $_->detach for @clients;
    delete $_->{endpoints} for @clients;
    reload($server, vhost => vhost(@vhost));
}

my $web = client('web');
my $lan = client('lan');

subtest 'a directory each' => sub {
    for my $name (qw(web lan vip off)) {
        my $res = $web->http('GET', "$server->{base}/acme/$name/directory");
        is($res->{status}, 200, "$name has one");
        my @urls = grep { !ref } values %{ $res->{json} };
        is_deeply([grep { !m{^\Q$server->{base}\E/acme/$name/} } @urls], [],
            'all its URLs are below it');
        is($res->{json}{meta}{externalAccountRequired} ? 1 : 0,
            $name =~ /vip|off/ ? 1 : 0, 'externalAccountRequired');
        is_deeply([keys %{ $res->{json}{meta}{profiles} }], [$name],
            'T87 what may be asked for there is advertised: itself');
    }
    for my $path ('directory', 'none/directory', 'other/directory',
        'none/new-nonce', 'WEB/directory')
    {
        is($web->http('GET', "$server->{base}/acme/$path")->{status}, 404,
            "acme/$path: 404");
    }
};

subtest 'T09: an account belongs to its directory' => sub {
    answered($web->register, 201, 'an account of web');
    answered($lan->register, 201, 'an account of lan');
    my $order = { identifiers => [{ type => 'dns', value => 'a.test' }] };
    refused($web->post($lan->endpoints->{newOrder}, $order), 400,
        'accountDoesNotExist', 'an order in another directory',
        qr{acme/web/acct.* of this directory});
    (my $kid = $web->{kid}) =~ s{/web/}{/lan/};
    refused($web->post($lan->endpoints->{newOrder}, $order, kid => $kid), 400,
        'accountDoesNotExist', 'its id below another directory');
    refused($web->post($kid, {}, kid => $kid), 400, 'accountDoesNotExist',
        'nor can it be read there');
};

my ($pem, $order, $ready);
subtest 'each profile issues' => sub {
    $pem = $web->certificate($responder, 'a.test');
    like($web->verify($pem, 'a.test'), qr/: OK$/m, 'web');
    $order = $web->get($web->order('b.test')->{json}{self})->{json};
    $ready = $web->authorize($web->order('c.test')->{json}, $responder);
    my $short = $lan->certificate($responder, 'a.test');
    is(scalar(() = $responder->requests), 3,
        'what web has proven is no proof for lan');
    AcmeServer::write_file("$server->{dir}/short.pem", $short);
    ok(!eval { AcmeClient::run('openssl', 'x509', '-noout', '-in',
        "$server->{dir}/short.pem", '-checkend', 86401) },
        'lan has its own validity');
};

subtest 'validation off' => sub {
    my $off = client('off');
    my $key = eab($server, '--profile', 'off', '--allow', '*.test',
        '--allow', 'wildcard:*.lab.test');
    answered($off->register(externalAccountBinding => binding($off, $key)),
        201, 'an account');
    my $before = $responder->requests;
    my $order = $off->order('x.test', '*.lab.test')->{json};
    is($order->{status}, 'ready', 'an order is ready from birth');
    for my $url (@{ $order->{authorizations} }) {
        my $authz = $off->get($url)->{json};
        is($authz->{status}, 'valid', 'its authorizations are valid');
        is_deeply([grep { $_->{status} ne 'valid' || !$_->{validated} }
            @{ $authz->{challenges} }], [], 'T62 and no challenge is invalid');
    }
    my $res = $off->finalize($order, $off->csr(['x.test', '*.lab.test']));
    is($res->{json}{status}, 'valid', 'and it gets its certificate');
    like($off->verify($off->get($res->{json}{certificate})->{body},
        'y.lab.test'), qr/: OK$/m, 'for a wildcard name, too');
    is(scalar $responder->requests, $before, 'nobody was asked');
    refused($off->order('x.other'), 403, 'rejectedIdentifier',
        'what no list has');
    my $late = $off->order('a.test')->{json};
    local $profile{off} = "ACMEProfileExternalAccount optional\n"
        . "ACMEProfileValidation off\nACMEProfilePolicy listed";
    change('', qw(web lan vip off));
    my $stranger = client('off');
    answered($stranger->register, 201, 'optional: an account without a key');
    is($stranger->order('a.test')->{json}{status}, 'pending',
        'has its names validated');
    local $profile{off} = 'ACMEProfileExternalAccount required';
    change('', qw(web lan vip off));
    refused($off->post($late->{finalize}, { csr =>
        encode_base64url($off->csr(['a.test'])) }), 403, 'unauthorized',
        'T61: validation is on by now', qr/was not; place a new order/);
    is($off->order('a.test')->{json}{status}, 'pending', 'a new order');
    for my $case (["ACMEProfileValidation off", qr/ExternalAccount/],
        ["ACMEProfileExternalAccount required\nACMEProfileValidation off\n"
            . 'ACMEProfilePolicy missing', qr/missing/])
    {
        my $bad = AcmeServer->new(vhost => "<ACMEProfile bad>\n"
            . "ACMEProfileEnrollment acme\n$case->[0]\n</ACMEProfile>");
        my ($status, $text) = $bad->syntax;
        is($status, 1, 'httpd -t refuses it');
        like($text, $case->[1], 'and says why');
    }
};

subtest 'T87: profiles to choose from' => sub {
    change('ACMEDefaultProfile web', qw(web lan vip off));
    my $client = client('');
    my $meta = $client->endpoints->{meta};
    is_deeply($meta->{profiles}, { web => 'Web servers', lan => 'lan',
        vip => 'vip', off => 'off' }, 'meta.profiles: name and description');
    answered($client->register, 201, 'an account of the default directory');
    is($client->order('a.test')->{json}{profile}, 'web',
        'without a wish it is the default, and shown');
    $client->{wish} = { profile => 'lan' };
    my $order = $client->order('a.test')->{json};
    is($order->{profile}, 'lan', 'a wish is reflected');
    is($client->get($order->{self})->{json}{profile}, 'lan', 'and kept');
    my $chosen = $client->certificate($responder, 'a.test');
    AcmeServer::write_file("$server->{dir}/chosen.pem", $chosen);
    ok(!eval { AcmeClient::run('openssl', 'x509', '-noout', '-in',
        "$server->{dir}/chosen.pem", '-checkend', 86401) },
        'and what is issued is of that profile');
    for my $name (qw(other none vip off)) {
        $client->{wish} = { profile => $name };
        refused($client->order('a.test'), 400, 'invalidProfile',
            "$name: not for this account", qr/use one of: web lan|lan web/);
    }
    $client->{wish} = { profile => ['lan'] };
    refused($client->order('a.test'), 400, 'malformed', 'no string');
    $web->{wish} = { profile => 'lan' };
    refused($web->order('a.test'), 400, 'invalidProfile',
        "web's own directory has web only", qr/one of: web/);
    delete $web->{wish};
    $client->{wish} = { profile => 'lan' };
    my $late = $client->authorize($client->order('a.test')->{json});
    is($late->{status}, 'ready', 'an order for lan');
    change('ACMEDefaultProfile web', qw(web));
    refused($client->post($late->{finalize}, { csr =>
        encode_base64url($client->csr(['a.test'])) }), 400, 'invalidProfile',
        'T61: lan is gone when it is finalized', qr/lan/);
};

subtest 'a profile that is removed' => sub {
    change('', qw(lan));
    is($web->http($_->[0], "$server->{base}/acme/web/$_->[1]")->{status}, 404,
        "$_->[1]: 404") for ['GET', 'directory'], ['HEAD', 'new-nonce'],
        ['POST', 'new-account'], ['POST', 'new-order'];
    $web->{endpoints} = { newNonce => $lan->endpoints->{newNonce} };
    answered($web->get($web->{kid}), 200, 'its account is there');
    my $res = $web->get($order->{authorizations}[0]);
    answered($res, 200, 'an authorization');
    answered($web->get($ready->{self}), 200, 'an order');
    refused($web->post($ready->{finalize}, { csr =>
        encode_base64url($web->csr(['c.test'])) }), 400, 'invalidProfile',
        'an order gets no certificate any more', qr/web/);
    my ($url) = AcmeCheck::sql($server, 'SELECT id FROM certs WHERE profile ='
        . " 'web' AND account_id IS NOT NULL") =~ /(\S+)/;
    is($web->get("$server->{base}/acme/web/cert/$url")->{body}, $pem,
        'its certificate can be had');
    answered($web->post($web->{kid}, { status => 'deactivated' }), 200,
        'its account can be deactivated');
};

$_->detach for @clients;
$server->finish;
done_testing;
