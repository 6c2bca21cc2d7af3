<?php
function check_login(PDO $db, string $email, string $password): bool {
    $row = $db->prepare('SELECT hash FROM account WHERE email = ?');
    $row->execute([$email]);
    $hash = $row->fetchColumn();
    return $hash !== false && password_verify($password, $hash);
}
