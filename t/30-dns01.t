#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 8.4 (T80), as clients and their operators see it: which TXT records
# prove a name, who is asked for them, what is told when none does; and wildcard
# names, from order to certificate (T48).

use strict;
use warnings;
use Digest::SHA qw(sha256);
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use Test::More;
use Time::HiRes qw(time);

use AcmeCheck;
use AcmeClient;
use AcmeServer;
use AcmeWire;
use FakeDNS;

# The resolver knows who has x.test, and records of its own below "own."; the
# zones' own servers have the same port elsewhere on loopback.
my $resolver = FakeDNS->new(names => {
    'x.test'           => { NS => ['ns1.x.test'] },
    'y.test'           => { NS => ['ns2.x.test'] },
    'far.test'         => { NS => ['far.x.test'] },
    'mute.test'        => { NS => ['nobody.x.test'] },
    'ns1.x.test'       => { A => ['127.0.0.2'] },
    'ns2.x.test'       => { A => ['127.0.0.3'] },
    'far.x.test'       => { A => ['169.254.1.1'] },
    'nobody.x.test'    => { A => ['127.0.0.9'] },
    '_acme-challenge.sick.test' => 'SERVFAIL',
});
my $port  = $resolver->{port};
my $first = FakeDNS->new(address => '127.0.0.2', port => $port,
    zones => ['x.test'], names => {
    'x.test'     => {},
    'sub.x.test' => { NS => ['ns2.x.test'], do => ['refer'] },
    '_acme-challenge.alias.x.test'   => { CNAME => 'proof.y.test' },
    '_acme-challenge.circle.x.test'  => { CNAME => 'back.x.test' },
    'back.x.test' => { CNAME => '_acme-challenge.circle.x.test' },
    '_acme-challenge.hang.x.test'    => 'HANG',
    '_acme-challenge.refused.x.test' => 'REFUSED',
    '_acme-challenge.empty.x.test'   => { A => ['192.0.2.1'] },
});
my $second = FakeDNS->new(address => '127.0.0.3', port => $port,
    zones => ['y.test', 'sub.x.test'], names => { 'y.test' => {} });

sub vhost {
    my ($more) = @_;
    return <<"EOT";
ACMEResolver @{[$resolver->server]}
ACMEValidationPort dns-01 $port
ACMEValidationTimeout 8s
ACMEValidationWait 0
ACMEAuthzReuse off
<ACMEPolicy wild>
    ACMEPolicySAN dns allow ** wildcard:*.x.test wildcard:*.sub.x.test
</ACMEPolicy>
<ACMEProfile wild>
    ACMEProfilePolicy wild
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile http>
    ACMEProfilePolicy wild
    ACMEProfileChallenges http-01
    ACMEProfileEnrollment acme
</ACMEProfile>
ACMEDefaultProfile wild
$more
EOT
}

my $server = AcmeServer->new(vhost => vhost(''))->start;
my $c = AcmeWire->new(server => $server);
$c->register;

# One more authorization for this name, and its dns-01 challenge.
sub begin {
    my ($name) = @_;
    my $order = $c->order($name)->{json};
    my $url   = $order->{authorizations}[0];
    my $authz = $c->get($url)->{json};
    my $chall = AcmeClient::challenge($authz, 'dns-01');
    return { name => $name, order => $order, url => $url, chall => $chall,
        digest => encode_base64url(
            sha256($c->key_authorization($chall->{token}))) };
}

sub finish {
    my ($one) = @_;
    $one->{authz} = $c->poll($one->{url}, 'pending')->{json};
    $one->{chall} = AcmeClient::challenge($one->{authz}, 'dns-01');
    $one->{order} = { %{ $one->{order} },
        %{ $c->get($one->{order}{self})->{json} } };
    $one->{error} = $one->{chall}{error} // {};
    return $one;
}

# Publish what a sub makes of the digest at a name of a server, and have it
# looked at.
sub outcome {
    my ($name, $ns, $at, $make) = @_;
    my $one = begin($name);
    $ns->put($at, $make ? $make->($one->{digest}) : { TXT => [$one->{digest}] })
        if $ns;
    my $start = time;
    $c->post($one->{chall}{url}, {});
    finish($one);
    $one->{took} = time - $start;
    return $one;
}

sub proven {
    my ($what, @how) = @_;
    my $one = outcome(@how);
    is("$one->{order}{status} $one->{chall}{status}", 'ready valid', $what)
        or diag $one->{error}{detail};
    return $one;
}

sub is_refuted {
    my ($one, $type, $what, @like) = @_;
    is("$one->{order}{status} $one->{chall}{status}", 'invalid invalid', $what);
    is($one->{error}{type}, "urn:ietf:params:acme:error:$type", "$what: $type");
    like($one->{error}{detail} // '', $_, "$what: its detail") for @like;
}

sub ways {
    my $one = proven('T80 at the zone\'s own server', 'a.x.test', $first,
        '_acme-challenge.a.x.test');
    is(scalar(grep { /TXT/ } $resolver->questions), 0,
        'T80 the resolver is not asked for what the zone has');
    like($one->{chall}{validated}, qr/^\d{4}-.*Z$/, 'T66 validated');
    cmp_ok($one->{took}, '<', 1.5, 'T80 at once');
    proven('T80 one of many values, of several strings', 'b.x.test', $first,
        '_acme-challenge.b.x.test', sub { {
            TXT => [('an older one') x 30, [$_[0] =~ /^(.{7})(.*)$/], 'x'] } });
    proven('T80 too much for UDP', 'c.x.test', $first,
        '_acme-challenge.c.x.test', sub { { TXT => [('x' x 200) x 20, $_[0]],
            do => ['cut'] } });
    is(scalar(grep { /^tcp .*TXT/ } $first->questions), 1, 'T80 TCP');
    proven('T80 an alias in another zone', 'alias.x.test', $second,
        'proof.y.test');
    proven('T80 a delegation', 'host.sub.x.test', $second,
        '_acme-challenge.host.sub.x.test');
    proven('T80 only the resolver has it', 'own.test', $resolver,
        '_acme-challenge.own.test');
    proven('T80 by TCP from the resolver, too', 'cut.own.test', $resolver,
        '_acme-challenge.cut.own.test',
        sub { { TXT => [('x' x 200) x 20, $_[0]], do => ['cut'] } });
    is(scalar(grep { /^tcp .*cut/ } $resolver->questions), 1, 'T80 TCP');
    proven('a single label', 'intranet', $resolver, '_acme-challenge.intranet');
    proven('T80 the zone\'s servers do not answer', 'a.mute.test', $resolver,
        '_acme-challenge.a.mute.test');
    proven('T80 a late answer', 'd.x.test', $first, '_acme-challenge.d.x.test',
        sub { { TXT => [$_[0]], do => ['slow'] } });
    proven('T80 behind one to another question', 'e.x.test', $first,
        '_acme-challenge.e.x.test',
        sub { { TXT => [$_[0]], do => ['stray'] } });
}

# All at once: those that are told only after three tries.
sub wrong {
    my %expect = (
        'f.x.test' => ['incorrectResponse',
            qr/^TXT record of _acme-challenge\.f\.x\.test: ns1\.x\.test /,
            qr/ \(127\.0\.0\.2\): "one", "two", "three" and 1 more; resolver /,
            qr/; resolver 127\.0\.0\.1\@$port of ACMEResolver: NXDOMAIN/,
            qr/\. Expected: "[\w-]{43}"\. Hint: /],
        'empty.x.test' => ['unauthorized', qr/there is no such record/],
        'none.x.test'  => ['dns', qr/ns1\.x\.test .*: NXDOMAIN, .*Hint: /],
        'circle.x.test'  => ['dns', qr/CNAMEs lead on and on/],
        'refused.x.test' => ['dns', qr/\(127\.0\.0\.2\): REFUSED; resolver /],
        'hang.x.test'    => ['dns', qr/\(127\.0\.0\.2\): no answer; res/],
        'liar.x.test'    => ['unauthorized', qr/there is no such record/],
        'sick.test'      => ['dns', qr/resolver .*: SERVFAIL/],
        'a.far.test'     => ['dns',
            qr/far\.x\.test \(169\.254\.1\.1\): denied by rule 169\.254\./],
        'self.x.test'    => ['incorrectResponse', qr/SHA-256 in base64url/],
    );
    my @all = map { begin($_) } sort keys %expect;
    $first->put('_acme-challenge.f.x.test',
        { TXT => [qw(one two three four)] });
    my %one = map { $_->{name} => $_ } @all;
    $first->put('_acme-challenge.liar.x.test',
        { TXT => [$one{'liar.x.test'}{digest}], do => ['lie'] });
    $first->put('_acme-challenge.self.x.test', { TXT =>
        [$c->key_authorization($one{'self.x.test'}{chall}{token})] });
    my $late = begin('late.x.test');
    my $start = time;
    $c->post($_->{chall}{url}, {}) for @all, $late;
    AcmeServer::wait_for(20, sub { (grep { /late\.x/ } $first->questions)
        ? 1 : undef });
    $first->put('_acme-challenge.late.x.test', { TXT => [$late->{digest}] });
    is(finish($late)->{order}{status}, 'ready',
        'T80 nothing is remembered: published after the first try');
    cmp_ok(time - $start, '>=', 1.9, 'T80 the next try is 2 seconds later');
    for (@all) {
        is_refuted(finish($_), $expect{ $_->{name} }[0], "T80 $_->{name}",
            @{ $expect{ $_->{name} } }[1 .. $#{ $expect{ $_->{name} } }]);
    }
    my $took = time - $start;
    cmp_ok($took, '>=', 4.9, 'T80 the last try is 5 seconds after the first');
    cmp_ok($took, '<', 9, 'R20 and the whole ends in time');
    is(scalar(grep { /none\.x\.test TXT/ } $first->questions), 3,
        'T80 three tries');
}

sub wildcard {
    my @names = ('*.x.test', 'x.test');
    my $order = $c->order(@names)->{json};
    is($order->{status}, 'pending', 'T48 a wildcard is ordered');
    is_deeply([sort map { $_->{value} } @{ $order->{identifiers} }], \@names,
        'T48 the order has the names as they are');
    my (@digests, @found);
    for (@{ $order->{authorizations} }) {
        my $authz = $c->get($_)->{json};
        my $chall = AcmeClient::challenge($authz, 'dns-01');
        push @found, join ' ', $authz->{identifier}{value},
            $authz->{wildcard} ? 'wildcard' : '-',
            map { $_->{type} } @{ $authz->{challenges} };
        push @digests, encode_base64url(
            sha256($c->key_authorization($chall->{token})));
    }
    is_deeply([sort @found],
        ['x.test - http-01 dns-01 tls-alpn-01', 'x.test wildcard dns-01'],
        'T48 base name, wildcard: true, no http-01');
    # Both records at the same name, as every client has them.
    $first->put('_acme-challenge.x.test', { TXT => \@digests });
    for (@{ $order->{authorizations} }) {
        my $chall = AcmeClient::challenge($c->get($_)->{json}, 'dns-01');
        $c->post($chall->{url}, {});
    }
    $c->poll($_, 'pending') for @{ $order->{authorizations} };
    my $res = $c->finalize($order, $c->csr(\@names));
    is($res->{json}{status}, 'valid', 'T48 the certificate is made');
    my $pem = $c->get($res->{json}{certificate})->{body};
    AcmeServer::write_file("$server->{dir}/wild.pem", $pem);
    my $text = AcmeClient::run('openssl', 'x509', '-noout', '-ext',
        'subjectAltName', '-in', "$server->{dir}/wild.pem");
    like($text, qr/DNS:\*\.x\.test/, 'T48 with the wildcard name');
    like($c->verify($pem, 'any.x.test'), qr/: OK$/m, 'T48 good for any name');
}

sub refusals {
    refused($c->order('*.y.test'), 403, 'rejectedIdentifier',
        'T48 no pattern for it', qr/wildcard:\*\.y\.test/);
    refused($c->order('*.*.x.test'), 400, 'malformed', 'T48 two stars');
    refused($c->order('x.*.x.test'), 400, 'malformed', 'T48 in the middle');
    my $other = AcmeWire->new(server => $server, profile => 'http');
    $other->register;
    refused($other->order('*.x.test'), 403, 'rejectedIdentifier',
        'T48 no challenge type remains', qr/\(http-01\) .* one of: dns-01/);
    my $chall = begin('z.x.test')->{chall};
    (my $url = $chall->{url}) =~ s/dns-01$/dns-02/;
    refused($c->post($url, {}), 404, 'malformed', 'no such challenge');
}

ways();
wrong();
wildcard();
refusals();

# Only the resolver is asked.
$server->configure(vhost => vhost("ACMEResolverAuthoritative off\n"
    . 'ACMEValidationTimeout 1s'))->graceful;
my $asked = () = $first->questions;
proven('the resolver has it', 'own.x.test', $resolver,
    '_acme-challenge.own.x.test');
is_refuted(outcome('a.x.test', $first, '_acme-challenge.a.x.test'), 'dns',
    'ACMEResolverAuthoritative off',
    qr/^TXT record of _acme-challenge\.a\.x\.test: resolver 127\.0\.0\.1\@/);
is(scalar(my @now = $first->questions), $asked, 'and nobody else');

# 127.0.0.9 is nobody.
$server->configure(global => 'ACMEResolver ' . $resolver->server,
    vhost => vhost('') =~ s/^ACMEResolver \S+/ACMEResolver 127.0.0.9:$port/r)
    ->graceful;
proven('lines add up, the main server\'s and the virtual host\'s',
    'sum.own.test', $resolver, '_acme-challenge.sum.own.test');
$server->finish;
done_testing;
