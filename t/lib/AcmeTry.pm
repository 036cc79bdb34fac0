# SPDX-License-Identifier: Apache-2.0
package AcmeTry;

# A name's validation, from its order to the verdict; many may be under way.

use strict;
use warnings;
use Digest::SHA qw(sha256);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use POSIX ();
use Test::More;
use parent 'Exporter';

use AcmeCheck ();
use AcmeClient;
use AcmeOperator;
use AcmeServer;

our @EXPORT = qw(try http01 dns01 alpn01 look settle proven refuted check_soon
    told_by_check);

# An order for this name, whose challenge of this type is accepted once
# prepare($key_authorization, $digest) has done what it wants to.
sub try {
    my ($client, $name, $type, $prepare) = @_;
    my $order = $client->order($name)->{json};
    my $url   = $order->{authorizations}[0];
    my $chall = AcmeClient::challenge($client->get($url)->{json}, $type);
    my $key   = $client->key_authorization($chall->{token});
    $prepare->($key, encode_base64url(sha256($key))) if $prepare;
    $client->post($chall->{url}, {});
    return { client => $client, name => $name, type => $type, url => $url,
        challenge => $chall->{url}, order => $order->{self},
        what => "$type of $name" };
}

sub http01 {
    my ($client, @names) = @_;
    return map { try($client, $_, 'http-01') } @names;
}

# The record is put into this FakeDNS, if it is there, with more to do.
sub dns01 {
    my ($client, $name, $dns, @do) = @_;
    return try($client, $name, 'dns-01', sub {
        $dns->put("_acme-challenge.$name", { TXT => [$_[1]], do => \@do })
            if $dns });
}

# This AcmeAlpn shows the certificate; where->(sub) runs it.
sub alpn01 {
    my ($client, $name, $alpn, $where) = @_;
    return try($client, $name, 'tls-alpn-01', sub { my ($key) = @_;
        $where->(sub { $alpn->show($name, $key) }) });
}

# Until all are decided: status, error (its type), detail, and the seconds that
# the last try took by the server's clock.
sub settle {
    my @open = grep { !$_->{status} } @_;
    my @all  = @open or return;
    AcmeServer::wait_for(60, sub {
        look($_) for @open;
        return (@open = grep { !$_->{status} } @open) ? undef : 1;
    }) or die "$open[0]{what} is not decided\n";
    my %took = map { my ($id, $detail) = split /\|/, $_, 2;
        $id => JSON::PP::decode_json($detail)->{took} / 1000 }
        split /\n/, AcmeCheck::sql($all[0]{client}{server},
            "SELECT authz_id, detail FROM events WHERE kind IN "
            . "('authz.valid', 'authz.invalid')");
    $_->{took} = $took{ $_->{url} =~ m{([^/]+)$} ? $1 : '' } for @all;
}

sub look {
    my ($one) = @_;
    my $authz = $one->{client}->get($one->{url})->{json};
    my $chall = AcmeClient::challenge($authz, $one->{type});
    $one->{detail} = $chall->{error}{detail} // '';
    return if $authz->{status} eq 'pending';
    @$one{qw(status error)}
        = ($chall->{status}, ($chall->{error}{type} // '') =~ s/.*://r);
}

# It is valid within so many seconds.
sub proven {
    my ($one, $seconds, $rule) = @_;
    settle($one);
    is($one->{status}, 'valid', "$rule: $one->{what}") or diag $one->{detail};
    cmp_ok($one->{took}, '<', $seconds, "$rule: $one->{what} in time");
}

# It is not, for an error of this type, whose detail is like these.
sub refuted {
    my ($one, $seconds, $rule, $type, @like) = @_;
    settle($one);
    is("$one->{status} $one->{error}", "invalid $type",
        "$rule: $one->{what}: $type");
    cmp_ok($one->{took}, '<', $seconds, "$rule: $one->{what} in time");
    like($one->{detail}, qr/$_/, "$rule: $one->{what}: its detail") for @like;
    is($one->{client}->get($one->{order})->{json}{status}, 'invalid',
        "T54 $one->{what}: the order, too");
}

# `acmectl check` of the same, now, for its account: it may take as long as the
# validation does.
sub check_soon {
    my ($server, $one, @options) = @_;
    my ($id) = $one->{client}{kid} =~ m{([^/]+)$};
    my $pid = open $one->{check}, '-|';
    die "fork: $!" if !defined $pid;
    return $one if $pid;
    my ($code, $text, $errors) = acmectl($server, '--json', 'check',
        $one->{name}, "--$one->{type}", '--account', $id, @options);
    print $text, $errors;
    STDOUT->flush;
    POSIX::_exit($code);
}

# It has found what the server has found, in the same words.
sub told_by_check {
    my ($one) = @_;
    settle($one);
    my $text  = do { local $/; readline $one->{check} };
    my $said  = eval { JSON::PP::decode_json($text) } // {};
    my $got   = $said->{methods}[0] // {};
    my $reached = $one->{error} eq 'incorrectResponse';
    is($got->{works} ? 1 : 0, $reached || $one->{status} eq 'valid' ? 1 : 0,
        "acmectl check agrees on $one->{what}")
        or diag $text;
    return if $one->{status} eq 'valid';
    my @told = map { s{(acme-challenge/)[\w-]+}{$1}r } $got->{seen} // '',
        $one->{detail};
    is($told[0], $told[1], "acmectl check on $one->{what}: in the same words");
}

1;
