# SPDX-License-Identifier: Apache-2.0
package FaultsProof;

# What must hold after a phase, whatever happened in it.

use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);

use AcmeCheck;
use AcmeOperator;
use AcmeServer;

sub new {
    my ($class, $server, $load) = @_;
    return bless { server => $server, load => $load }, $class;
}

# What is half done: jobs, orders that are claimed, challenges that nobody
# validates.
my $half_done = <<'EOT';
SELECT kind, subject FROM jobs WHERE kind IN ('issue', 'validate')
UNION ALL SELECT 'order', id FROM orders
    WHERE processing_since > 0 AND cert_id IS NULL AND error IS NULL
UNION ALL SELECT 'authz', id FROM authzs
    WHERE status = 'pending' AND attempted IS NOT NULL
EOT

sub settled {
    my ($self, $title) = @_;
    my $left = '';
    my $start = time;
    my $done = AcmeServer::wait_for(60, sub {
        $left = sql($self->{server}, $half_done);
        return $left =~ /\S/ ? undef : 1;
    });
    ok($done, sprintf '%s: nothing is half done, after %.1f s', $title,
        time - $start) or diag $left;
}

# Every certificate that a client got is there, by serial number, of its order;
# and is the only one of that order.
sub all_there {
    my ($self, $title) = @_;
    my %stored = map { my ($serial, $order) = split /\|/;
        ($serial =~ s/^0+//r => $order) } split /\n/, sql($self->{server},
        'SELECT lower(serial), order_id FROM certs'
            . ' WHERE order_id IS NOT NULL');
    my $issued = $self->{load}{issued};
    my @lost = grep { ($stored{s/^0+//r} // '') ne $issued->{$_} }
        keys %$issued;
    ok(!@lost, "$title: all " . keys(%$issued) . ' certificates are in the '
            . 'database') or diag join "\n", map {"$_ $issued->{$_}"} @lost;
    is(sql($self->{server}, 'SELECT order_id FROM certs WHERE order_id IS NOT'
        . ' NULL GROUP BY order_id HAVING count(*) > 1'), '',
        "$title: none is doubled");
    is(sql($self->{server}, 'SELECT o.id FROM orders o LEFT JOIN certs c'
        . ' ON c.id = o.cert_id AND c.order_id = o.id'
        . ' WHERE o.cert_id IS NOT NULL AND c.id IS NULL'), '',
        "$title: each valid order has its own certificate");
    is(sql($self->{server}, 'SELECT c.serial FROM certs c LEFT JOIN events e'
        . " ON e.cert_id = c.id AND e.kind = 'cert.issue'"
        . ' WHERE c.order_id IS NOT NULL GROUP BY c.id, c.serial'
        . ' HAVING count(e.id) <> 1'), '',
        "$title: each is in the audit trail, once");
    is(sql($self->{server}, 'SELECT c.serial FROM certs c LEFT JOIN events e'
        . " ON e.cert_id = c.id AND e.kind = 'cert.revoke'"
        . ' GROUP BY c.id, c.serial, c.revoked_at'
        . ' HAVING count(e.id) <> CASE WHEN c.revoked_at > 0 THEN 1 ELSE 0'
        . ' END'), '',
        "$title: and so is each revocation");
}

# What has to have how many events.
my $untold = <<'EOT';
SELECT 'account', a.id, count(e.id) FROM accounts a LEFT JOIN events e
    ON e.account_id = a.id AND e.kind = 'account.create'
    GROUP BY a.id HAVING count(e.id) <> 1
UNION ALL SELECT 'order', o.id, count(e.id) FROM orders o LEFT JOIN events e
    ON e.order_id = o.id AND e.kind = 'order.create'
    GROUP BY o.id HAVING count(e.id) <> 1
UNION ALL SELECT 'finalize', o.id, count(e.id) FROM orders o
    LEFT JOIN events e ON e.order_id = o.id AND e.kind = 'order.finalize'
    GROUP BY o.id, o.csr_sha256
    HAVING count(e.id) <> CASE WHEN o.csr_sha256 IS NULL THEN 0 ELSE 1 END
UNION ALL SELECT 'fail', o.id, count(e.id) FROM orders o LEFT JOIN events e
    ON e.order_id = o.id AND e.kind = 'order.fail'
    GROUP BY o.id, o.error
    HAVING count(e.id) <> CASE WHEN o.error IS NULL THEN 0 ELSE 1 END
UNION ALL SELECT a.status, a.id, count(e.id) FROM authzs a LEFT JOIN events e
    ON e.authz_id = a.id AND e.kind IN ('authz.valid', 'authz.invalid')
    GROUP BY a.id, a.status
    HAVING count(e.id) <> CASE WHEN a.status = 'pending' THEN 0 ELSE 1 END
    OR count(e.id) <> count(CASE WHEN e.kind = 'authz.' || a.status THEN 1 END)
EOT

# Who is told of, and is not there.
my $unknown = <<'EOT';
SELECT e.kind, e.id FROM events e LEFT JOIN accounts a ON a.id = e.account_id
    WHERE e.account_id IS NOT NULL AND a.id IS NULL
UNION ALL SELECT e.kind, e.id FROM events e
    LEFT JOIN orders o ON o.id = e.order_id
    WHERE e.kind LIKE 'order.%' AND o.id IS NULL
UNION ALL SELECT e.kind, e.id FROM events e
    LEFT JOIN authzs a ON a.id = e.authz_id
    WHERE e.kind LIKE 'authz.%' AND a.id IS NULL
UNION ALL SELECT e.kind, e.id FROM events e
    LEFT JOIN certs c ON c.id = e.cert_id
    WHERE e.kind LIKE 'cert.%' AND c.id IS NULL
EOT

# A change and its event are one transaction, whatever interrupts it; nothing is
# old enough yet to be pruned.
sub all_told {
    my ($self, $title) = @_;
    my @untold = split /\n/, sql($self->{server}, $untold);
    ok(!@untold, "$title: accounts, orders, authorizations: each is in the"
        . ' audit trail as often as it must be')
        or diag scalar(@untold) . ", such as $untold[0]";
    my @unknown = split /\n/, sql($self->{server}, $unknown);
    ok(!@unknown, "$title: and nothing is that did not happen")
        or diag scalar(@unknown) . ", such as $unknown[0]";
}

sub operator_content {
    my ($self, $title) = @_;
    for (['audit', 'verify'], ['db', 'check']) {
        my ($code, $text, $errors) = acmectl($self->{server}, @$_);
        is($code, 0, "$title: acmectl @$_") or diag $text, $errors;
    }
}

# Open files of each process but its connections; {pid => number}.
sub descriptors {
    my ($self) = @_;
    my %open;
    for my $pid ($self->{server}{pid}, $self->{server}->children) {
        my @links = map { readlink // () } glob "/proc/$pid/fd/*";
        $open{$pid} = [sort @links];
    }
    return \%open;
}

sub remember { $_[0]{before} = $_[0]->descriptors }

# Who was there before has no more files open than before, but for the pool of
# connections to the database, each of which has two.
sub no_leak {
    my ($self, $title) = @_;
    my $before = delete $self->{before} or return;
    my $after = $self->descriptors;
    my @both = grep { $after->{$_} } keys %$before;
    my @more = grep { @{ $after->{$_} } > @{ $before->{$_} } + 20 } @both;
    ok(!@more, "$title: no descriptor leaked in " . @both . ' processes')
        or diag map { my $pid = $_; my %seen;
            $seen{$_}++ for @{ $after->{$pid} };
            map {"$pid $seen{$_} $_\n"} sort keys %seen } @more;
}

sub check {
    my ($self, $title) = @_;
    $self->settled($title);
    $self->all_there($title);
    $self->all_told($title);
    $self->operator_content($title);
    $self->{load}->start("$title, afterwards", 1, 0);
    my @failed = $self->{load}->stop;
    ok(!@failed && $self->{load}{figures} =~ /flows=[1-9]/,
        "$title: the next orders work") or diag @failed;
    $self->no_leak($title);
}

1;
