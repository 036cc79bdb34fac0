#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 8.3, as clients and their operators see it: what proves a name and
# what does not (T78, R26), where the server lets itself be sent (T79), in which
# time (R20), and that what hangs delays nobody (H9).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;

use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;
use FakeDNS;

my $responder = AcmeResponder->new;
my $port      = $responder->{port};
my $dns       = FakeDNS->new(names => {
    'dns.test'    => ['127.0.0.1'],
    'dual.test'   => ['::1', '127.0.0.1'],
    'broken.test' => 'SERVFAIL',
    'mute.test'   => 'HANG',
    'lan.test'    => ['127.0.0.9', '169.254.7.7'],
    'bind.test'   => { A => ['127.0.0.1', '169.254.7.7'], do => ['turns'] },
});
my $nobody = "127.0.0.9 port $port: connection refused";
my ($server, $c);

# One more authorization for this name, and its challenge.
sub begin {
    my ($name) = @_;
    my $order = $c->order($name)->{json};
    my $url   = $order->{authorizations}[0];
    return ($order, $url, AcmeClient::challenge($c->get($url)->{json}));
}

# Put this (a text, or what a sub makes of the challenge), and have it looked
# at: order and challenge at the end.
sub outcome {
    my ($name, $answer) = @_;
    my ($order, $url, $chall) = begin($name);
    my $right = $c->key_authorization($chall->{token});
    $responder->put($chall->{token},
        ref $answer ? $answer->($right, $chall->{token}) : $answer // $right);
    $c->post($chall->{url}, {});
    my $authz = $c->poll($url, 'pending')->{json};
    return ($c->get($order->{self})->{json}, AcmeClient::challenge($authz));
}

sub proven {
    my ($name, $answer, $what) = @_;
    my ($order, $chall) = outcome($name, $answer);
    is("$order->{status} $chall->{status}", 'ready valid', $what)
        or diag $chall->{error}{detail};
    return $chall;
}

# The error's type, and regular expressions that its detail matches.
sub refuted {
    my ($name, $answer, $type, $what, @like) = @_;
    my ($order, $chall) = outcome($name, $answer);
    my $error = $chall->{error} // {};
    is("$order->{status} $chall->{status}", 'invalid invalid', $what);
    is($error->{type}, "urn:ietf:params:acme:error:$type", "$what: $type");
    like($error->{detail}, $_, "$what: its detail") for @like;
    is_deeply($chall->{validated}, undef, "T66 $what: not validated");
    like(JSON::PP->new->canonical->encode($order->{error} // {}),
        qr/urn:ietf:params:acme:error:$type/, "T54 $what: the order says so");
}

# A name that is somewhere else whenever somebody asks: who is looked at is who
# is dialled, and the next hop's is looked at again.
sub rebinding {
    my $asked = sub { scalar grep { /bind\.test A$/ } $dns->questions };
    proven('bind.test', undef, 'T79 DNS rebinding: the one that was checked');
    is($asked->(), 1, 'T79 DNS rebinding: which is asked for once');
    refuted('bind.test', undef, 'connection', 'T79 DNS rebinding: the other',
        qr/169\.254\.7\.7 port $port: denied by rule/);
    refuted('bind.test', sub { http("302 Found\r\nLocation: "
        . "http://bind.test:$port/elsewhere", '') }, 'connection',
        'T79 DNS rebinding: between redirects',
        qr{/elsewhere \(redirect 1, .*169\.254\.7\.7 port $port: denied});
}

sub http { my ($status, $body) = @_; return "HTTP/1.1 $status\r\n\r\n$body" }

sub right {
    my $chall = proven('a.test', undef, 'T78 the key authorization');
    like($chall->{validated}, qr/^\d{4}-.*Z$/, 'T66 validated');
    my ($asked) = grep { $_->[1] =~ /\Q$chall->{token}\E/ }
        $responder->requests;
    is_deeply($asked, ["a.test:$port",
        "/.well-known/acme-challenge/$chall->{token}"],
        'T78 host and path');
    proven('a.test', sub { "$_[0]\r\n \t\n" }, 'T78 R26 blanks at the end');
    proven('a.test', sub { http('200 OK', $_[0]) },
        'R26 no length, no content type');
    proven('dns.test', undef, 'a name of the name server');
    proven('dual.test', undef, 'R26 T79 IPv6 refused, IPv4 answers');
    proven('six.test', undef, 'R26 T79 the same with fixed addresses');
}

sub wrong {
    my $by = qr/Resolver of a\.test: ACMEResolverHost/;
    refuted('a.test', 'nonsense', 'incorrectResponse', 'T78 wrong body',
        qr{^http://a\.test:$port/\.well-known/acme-challenge/[\w-]+: },
        qr/127\.0\.0\.1 port $port: status 200, body starts with "nonsense"/,
        $by, qr/Hint: /);
    refuted('a.test', sub { " $_[0]" }, 'incorrectResponse',
        'T78 blank before it', qr/starts with a blank/);
    refuted('a.test', sub { "$_[1].another" }, 'incorrectResponse',
        'T81 another account', qr/another account/);
    refuted('a.test', sub { http('404 Not Found', $_[0]) },
        'incorrectResponse', 'T78 404', qr/status 404/, $by);
    refuted('a.test', '<html>' . 'x' x 58 . 'SECRET', 'incorrectResponse',
        'T79 a page', qr/web page/, qr/x{58}\x{2026}/, qr/^(?!.*SECRET)/s);
    refuted('a.test', "HTTP/1.1 200 OK\r\n\r\n" . 'y' x 70000,
        'incorrectResponse', 'R26 a long body', qr/y{64}\x{2026}/);
}

sub unreachable {
    refuted('hole.test', undef, 'connection', 'T78 nobody listens',
        qr/\Q$nobody\E/, qr/nothing listens on this port/);
    refuted('meta.test', undef, 'connection', 'T79 metadata service',
        qr/169\.254\.169\.254 port $port: denied by rule 169\.254\.0\.0\/16/,
        qr/ACMEValidationAllow/);
    refuted('lan.test', undef, 'connection', 'T79 every address',
        qr/169\.254\.7\.7 port $port: denied/, qr/\Q$nobody\E/,
        qr/Resolver of lan\.test: 127\.0\.0\.1\@\d+ of ACMEResolver/);
    refuted('nowhere.test', undef, 'dns', 'T78 NXDOMAIN', qr/NXDOMAIN/,
        qr/Resolver of nowhere\.test: 127\.0\.0\.1\@$dns->{port} of /,
        qr/Hint: do the name servers .* know this name\?$/);
    refuted('broken.test', undef, 'dns', 'T78 SERVFAIL',
        qr/SERVFAIL.*Hint: can .* reach the name servers of this domain\?$/);
}

sub to { my ($url) = @_; return "HTTP/1.1 302 Found\r\nLocation: $url\r\n\r\n" }

sub redirected {
    my $base = "http://b.test:$port/x";
    my $end = sub { my ($last) = @_; return sub {
        $responder->put("hop$_", to("$base/hop" . ($_ + 1))) for 1 .. $last - 1;
        $responder->put("hop$last", $_[0]);
        return to("$base/hop1");
    } };
    proven('a.test', $end->(2), 'T78 one hop, to another name');
    proven('a.test', $end->(10), 'T78 R26 ten redirects');
    refuted('a.test', $end->(11), 'incorrectResponse', 'R26 eleven redirects',
        qr/\(redirect 10, from http/, qr/after 10 redirects/);
    for (['file:///etc/passwd', qr/neither http nor https/],
        ["http://b.test:22/",   qr/names port 22/],
        ["http://u:p\@b.test/", qr/user or a password/])
    {
        refuted('a.test', to($_->[0]), 'incorrectResponse',
            "R26 T79 to $_->[0]", $_->[1]);
    }
    for my $target ("http://meta.test:$port/", "http://169.254.169.254/x",
        "http://2852039166/", "http://[::ffff:a9fe:a9fe]:$port/")
    {
        refuted('a.test', to($target), 'connection', "T79 to $target",
            qr/\(redirect 1, from http/, qr/denied by rule 169\.254\.0\.0/);
    }
    refuted('a.test', to("http://nowhere.test:$port/"), 'dns',
        'T78 to a name that is not there', qr/NXDOMAIN/);
    refuted('a.test', to("https://b.test:$port/"), 'tls',
        'T78 to https that is none', qr/no TLS connection in time/);
}

# R20, H9: challenges that hang, and whole flows of others meanwhile.
sub hanging {
    my $other   = $c->another;
    my @hanging = map { [begin($_)] } qw(a.test mute.test b.test);
    $responder->put($_->[2]{token}, 'HANG') for @hanging;
    $c->post($_->[2]{url}, {}) for @hanging;
    my $pem = $other->certificate($responder, 'c.test');
    like($pem, qr/BEGIN CERTIFICATE/, 'H9 another order gets through');
    is_deeply([map { $c->get($_->[1])->{json}{status} } @hanging],
        [('pending') x 3], 'H9 before those that hang');
    my @types;
    for (@hanging) {
        my $authz = $c->poll($_->[1], 'pending')->{json};
        my $error = AcmeClient::challenge($authz)->{error};
        push @types, $error->{type} =~ s/.*://r;
        like($error->{detail}, qr/in time/, 'R20 T78 it took too long');
    }
    is("@types", 'connection dns connection', 'T78 what hung');
    timed_out($server, 3, 'R20 decided when the time is over');
}

# H9: the name is served by the very httpd that validates, and it has few
# threads.
sub itself {
    my $http = AcmeServer::free_port();
    my $root = AcmeServer::tempdir();
    mkdir "$root/$_" for '.well-known', '.well-known/acme-challenge';
    my $self = AcmeServer->new(mpm => 'event', http01_port => $http,
        http_port => $http,
        global => "ServerLimit 1\nStartServers 1\nThreadsPerChild 3\n"
            . "MaxRequestWorkers 3\nMinSpareThreads 1\nMaxSpareThreads 3\n",
        http_vhost => "DocumentRoot $root")->start;
    my $client = AcmeWire->new(server => $self);
    $client->register;
    my $order = $client->order('a.test', 'b.test')->{json};
    for (@{ $order->{authorizations} }) {
        my $chall = AcmeClient::challenge($client->get($_)->{json});
        AcmeServer::write_file(
            "$root/.well-known/acme-challenge/$chall->{token}",
            $client->key_authorization($chall->{token}) . "\n");
    }
    $order = $client->authorize($order);
    is($order->{status}, 'ready', 'H9 the server validates its own names');
    $self->finish;
}

my $vhost = <<"EOT";
ACMEResolver @{[$dns->server]}
ACMEResolverHost six.test ::1 127.0.0.1
ACMEResolverHost hole.test 127.0.0.9
ACMEResolverHost meta.test 169.254.169.254
ACMEValidationAllow ::1
ACMEAuthzReuse off
ACMEValidationTimeout 3s
EOT
$server = AcmeServer->new(http01_port => $port, vhost => $vhost)->start;
$c = AcmeWire->new(server => $server);
$c->register;
right();
wrong();
unreachable();
redirected();
rebinding();
$server->configure(vhost => "${vhost}ACMEValidationWait 0\n")->graceful;
hanging();

# Without ACMEValidationAllow, loopback is not to be reached.
$server->configure(bare => 1, vhost => <<"EOT")->graceful;
ACMEStateDir $server->{state}
ACMEValidationPort http-01 $port
ACMEResolverHost a.test 127.0.0.1
ACMEResolverHost six.test ::1 ::ffff:127.0.0.1
ACMEAuthzReuse off
EOT
refuted('a.test', undef, 'connection', 'T79 loopback',
    qr/127\.0\.0\.1 port $port: denied by rule 127\.0\.0\.0\/8 \(built in\)/);
refuted('six.test', undef, 'connection', 'T79 loopback of IPv6',
    qr/ ::1 port $port: denied by rule ::1\/128 \(built in\)/,
    qr/::ffff:127\.0\.0\.1 port $port: denied by rule 127/);
is(scalar(grep { $_->[0] =~ /^169/ } $responder->requests), 0,
    'T79 nothing was asked there');
$server->finish;
itself();
done_testing;
