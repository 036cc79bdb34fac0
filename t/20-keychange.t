#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.3.5: account key rollover (T42, T43, R21).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use AcmeCheck;
use AcmeClient;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;

sub client { return AcmeWire->new(server => $server, @_) }

sub account {
    my $c = client(@_);
    $c->register;
    return $c;
}

# keyChange to the key of $next; what differs in the payload, in the inner
# protected header.
sub change {
    my ($c, $next, $payload, %inner) = @_;
    my $url = $c->endpoints->{keyChange};
    my %object = (account => $c->{kid}, oldKey => $c->{jwk},
        %{ $payload || {} });
    delete $object{$_} for grep { !defined $object{$_} } keys %object;
    return $c->post($url, $next->jws($url, \%object, jwk => $next->{jwk},
        nonce => undef, %inner));
}

# The same account with the other key.
sub with_key {
    my ($c, $next) = @_;
    my $new = $c->another;
    @$new{qw(key key_file alg jwk)} = @$next{qw(key key_file alg jwk)};
    return $new;
}

sub rollover {
    my ($from, $to) = @_;
    my $c    = account(key => $from);
    my $next = client(key => $to);
    my $doc  = $c->get($c->{kid})->{json};
    my $res  = change($c, $next);
    answered($res, 200, "T42 from $from to $to");
    is_deeply($res->{json}, $doc, 'T42 the account as it was');
    refused($c->get($c->{kid}), 400, $from eq $to ? 'malformed'
        : 'badPublicKey', 'T42 the old key is worth nothing');
    answered(with_key($c, $next)->get($c->{kid}), 200,
        'T42 the new key is the account\'s');
    my $found = $next->post($next->endpoints->{newAccount},
        { onlyReturnExisting => \1 }, jwk => $next->{jwk});
    answered($found, 200, 'T33 T42 the new key finds the account');
    is(AcmeClient::header($found, 'location'), $c->{kid}, 'T42 this one');
    refused($c->post($c->endpoints->{newAccount}, { onlyReturnExisting => \1 },
        jwk => $c->{jwk}), 400, 'accountDoesNotExist',
        'T42 and the old one finds none');
}

sub refusals {
    my $c     = account();
    my $next  = client();
    my $other = account(key => 'ec384');
    my $url   = $c->endpoints->{keyChange};
    my %bad = (
        'no account'      => [{ account => undef },  qr/account/],
        'another account' => [{ account => $other->{kid} }, qr/signed by/],
        'an id only'      => [{ account => $c->{kid} =~ s{.*/}{}r },
            qr/signed by/],
        'no oldKey'       => [{ oldKey => undef }, qr/oldKey/],
        'another oldKey'  => [{ oldKey => $other->{jwk} }, qr/thumbprint/],
        'the new key as oldKey' => [{ oldKey => $next->{jwk} }, qr/thumbprint/],
        'oldKey is text'  => [{ oldKey => 'x' }, qr/oldKey/],
        'a nonce inside'  => [{}, qr/nonce/, nonce => $c->nonce],
        'a kid inside'    => [{}, qr/jwk/, jwk => undef, kid => $c->{kid}],
        'another url'     => [{}, qr/url/, url => $c->endpoints->{newOrder}],
        'a wrong inner signature' => [{}, qr/inner JWS/, alter =>
            sub { $_[0]{payload} = AcmeClient::encode_base64url('{}') }],
        'DER inside'      => [{}, qr/inner JWS/, signature => 'MAAA'],
    );
    for my $name (sort keys %bad) {
        my ($payload, $detail, @inner) = @{ $bad{$name} };
        refused(change($c, $next, $payload, @inner), 400, 'malformed',
            "T42 $name", $detail);
    }
    refused($c->post($url, $_), 400, 'malformed', 'T42 no JWS inside')
        for '', {}, { protected => 'e30', payload => '', signature => '' };
    refused(change($c, $c), 400, 'malformed', 'T42 the same key again',
        qr/already/);
    refused(change($c, $next, {}, alg => 'HS256'), 400,
        'badSignatureAlgorithm', 'T05 T42 HMAC inside');
    my $taken = change($c, $other);
    refused($taken, 409, 'malformed', 'T42 R21 a key that has an account');
    is_deeply($taken->{headers}{location}, [$other->{kid}],
        'T42 with its Location, once');
    answered($c->get($c->{kid}), 200, 'T42 the key is what it was');
    is($c->http('GET', $url)->{status}, 405, 'T15 GET of keyChange');
}

# Many at once to keys of their own: one of them gets it.
sub at_once {
    my $c    = account();
    my $url  = $c->endpoints->{keyChange};
    my @next = map { client() } 1 .. 6;
    my @w    = map { $c->another } @next;
    my @posts = map {
        my $inner = $next[$_]->jws($url, { account => $c->{kid},
            oldKey => $c->{jwk} }, jwk => $next[$_]{jwk}, nonce => undef);
        [$w[$_], $url, $w[$_]->jws($url, $inner)];
    } 0 .. $#w;
    my @status = map { $_->{status} } AcmeWire::at_once(@posts);
    is(grep({ $_ == 200 } @status), 1, 'T42 six at once: one 200')
        || diag "@status";
    is(grep({ /^4/ } @status), 5, 'T42 and five refusals');
    my ($winner) = grep { $status[$_] == 200 } 0 .. $#w;
    answered(with_key($c, $next[$winner])->get($c->{kid}), 200,
        'T42 whoever was told so has it');
}

# A validation that waits for its answer while the key changes.
sub in_flight {
    my $c     = account();
    my $next  = client();
    my $order = $c->order('a.test')->{json};
    my $chall = AcmeClient::challenge(
        $c->get($order->{authorizations}[0])->{json});
    $responder->put($chall->{token},
        $c->key_authorization($chall->{token}));
    my $later = $c->order('b.test')->{json};
    $c->post($chall->{url}, {});
    answered(change($c, $next), 200, 'T43 rollover with orders');
    my $new = with_key($c, $next);
    is($new->poll($order->{authorizations}[0], 'pending')->{json}{status},
        'valid', 'T43 by the key authorization of the old key');
    is($new->finalize($order, $new->csr(['a.test']))->{json}{status}, 'valid',
        'T43 and its order is finalized with the new one');
    is($new->authorize($later, $responder)->{status}, 'ready',
        'T43 what was pending is proven with the new key');
    my ($kind) = split /\n/, sql($server, "SELECT count(*) FROM events "
        . "WHERE kind = 'account.rekey' AND account_id = '"
        . ($c->{kid} =~ s{.*/}{}r) . "'");
    is($kind, 1, 'an event tells of it');
}

# A slow web server: it is asked before the rollover and answers after it, with
# the key authorization of one of the keys.
sub slow {
    my ($name, $want, $which) = @_;
    my $c     = account();
    my $next  = client();
    my $order = $c->order('a.test')->{json};
    my $chall = AcmeClient::challenge(
        $c->get($order->{authorizations}[0])->{json});
    $responder->put($chall->{token}, 'WAIT');
    $c->post($chall->{url}, {});
    ok(AcmeServer::wait_for(10, sub {
        (grep { $_->[1] =~ m{/\Q$chall->{token}\E$} } $responder->requests)
            ? 1 : undef;
    }), "T43 $name: the web server has been asked");
    answered(change($c, $next), 200, 'T43 rollover meanwhile');
    my $new = with_key($c, $next);
    is($new->get($order->{authorizations}[0])->{json}{status}, 'pending',
        'T43 it goes on');
    $responder->put($chall->{token}, ($which eq 'old' ? $c : $new)
        ->key_authorization($chall->{token}));
    my $authz = $new->poll($order->{authorizations}[0], 'pending')->{json};
    is($authz->{status}, $want, "T43 $name: $want");
    my $type = $authz->{challenges}[0]{error}{type} // '';
    return like($type, qr/:incorrectResponse$/, 'T43 and why')
        if $want eq 'invalid';
    is($new->finalize($order, $new->csr(['a.test']))->{json}{status}, 'valid',
        'T43 and there is a certificate for the new key\'s account');
}

rollover(@$_) for ['ec256', 'ec256'], ['ec256', 'rsa2048'],
    ['rsa2048', 'ec384'], ['ec384', 'ed25519'];
refusals();
at_once();
in_flight();
slow('the key authorization of then', 'valid', 'old');
slow('that of the new key', 'invalid', 'new');
$server->finish;
done_testing;
